// smtp/talk.h: what the parts of one conversation share: the client, the configuration, where it
// stands, how it answers, and what is logged of it.
// A handler answers at once, or says wait() and answers later: until then nothing more is read.
// Thread: one owner; what back() returns may be called from any thread.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/executor.h"
#include "base/memory.h"
#include "base/words.h"
#include "smtp/client.h"
#include "smtp/command.h"
#include "smtp/gate.h"
#include "smtp/reply.h"
#include "smtp/services.h"

namespace sekisho::smtp {

enum class State {
  silent,      // the greeting is not sent yet
  greeted,     // no HELO or EHLO yet
  ready,       // between two messages
  envelope,    // MAIL was accepted, and no recipient yet
  recipients,  // one was, at least
  data,        // the message arrives
  judging,     // it is complete; the verdict is awaited
  login,       // a line of an AUTH exchange is awaited
  handshake,   // STARTTLS was accepted: the next octets are TLS
  ended,       // the last reply was sent
};

// How a conversation reaches its connection.
struct Ports {
  std::function<void(std::string)> send;
  // It has answered after a wait: take() is to be called again.
  std::function<void()> resume;
  std::shared_ptr<Executor> owner;
  // Something threw: the connection ends, and nothing was accepted.
  std::function<void(const std::exception&)> broken;
  // Calls something on the owner's thread after a time.
  std::function<void(std::chrono::milliseconds, std::function<void()>)> later;
};

class Talk {
 public:
  // As Postfix's smtpd_hard_error_limit: dictionaries and broken programs end here.
  static constexpr unsigned most_errors = 20;
  // As Postfix's smtpd_recipient_overshoot_limit: a client that names more recipients than it may
  // sends to those that were accepted (RFC 5321 §4.5.3.1.10).
  static constexpr unsigned most_over_limits = 1000;

  Talk(Services& shared, Ports ports, Client who);
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;
  ~Talk() { *alive_ = false; }

  Services& services;
  Client client;
  std::shared_ptr<const Site> site;  // of the message under way
  State state = State::silent;

  const ListenerSite& listener() const { return site->listeners.at(client.listener); }
  const Limits& limits() const { return listener().limits; }
  relay::Standing standing() const { return standing_of(*site, client); }

  // A command begins.
  void begin(Verb verb);
  Verb verb() const { return verb_.value_or(Verb::unknown); }
  // Its answer. Too many errors: the last one. The lines before it go in one piece with it: there
  // are clients that read a reply once.
  void answer(const Reply& reply, std::string lines_before = {});
  // The answer of 221 or 421, with our name: the conversation is over.
  void end(int code, std::string_view status, std::string_view text);
  void wait() { waiting_ = true; }
  bool waiting() const { return waiting_; }
  // A message was taken: what was wrong before it is forgotten.
  void forgive() { errors_ = over_limits_ = 0; }
  void send(std::string octets) { ports_.send(std::move(octets)); }
  const std::shared_ptr<Executor>& owner() const { return ports_.owner; }
  void later(std::chrono::milliseconds time, std::function<void()> then);

  // What was not read is offered again.
  void resume() {
    if (!taking_) ports_.resume();
  }
  // While it is set, answers do not resume: take() is running.
  void taking(bool on) { taking_ = on; }

  // A function that has `then` called on the owner's thread, if this talk still exists by then.
  template <class... Args, class Then>
  std::function<void(Args...)> back(Then then) {
    return [this, alive = alive_, owner = ports_.owner, then = std::move(then)](Args... args) {
      until_memory([&] {
        owner->post([this, alive, then, args...] {
          if (*alive) guarded([&] { then(args...); });
        });
      });
    };
  }

  template <class Work>
  void guarded(const Work& work) noexcept {
    try {
      work();
    } catch (const std::exception& error) {
      ports_.broken(error);
    }
  }

  // --- the log ---
  // What it was doing: "RCPT", "END-OF-MESSAGE", "CONNECT".
  std::string where() const;
  void log(LogLevel level, const std::string& line) { services.log.write(level, line); }
  // "NOQUEUE: reject: RCPT from mx.example[192.0.2.1]: 554 5.7.1 …; from=<…> …". `what`: "reject".
  void log_reject(std::string_view what, std::string_view stage, const Reply& reply,
                  std::string_view envelope, std::string_view note = {});
  // "ehlo=1 mail=1 rcpt=1/2 commands=3/4"
  std::string statistics() const;

 private:
  struct Count {
    unsigned all = 0;
    unsigned good = 0;
  };

  Ports ports_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<Verb> verb_;  // none: no command yet
  By<Verb, Count> counts_;
  unsigned errors_ = 0;
  unsigned over_limits_ = 0;
  bool waiting_ = false;
  bool taking_ = false;
};

}  // namespace sekisho::smtp
