// accounts/dovecot_auth.h: asks Dovecot's authentication service whether a login and its password
// are right, over one connection that stays, from a thread of its own.
// Errors: a socket that is away, silence, garbage and Dovecot's own temporary failures are
// unavailable. Thread: any.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "accounts/authenticator.h"
#include "accounts/dovecot_protocol.h"
#include "base/clock.h"
#include "base/guarded.h"
#include "base/unique_handle.h"

namespace sekisho::accounts {

class DovecotAuth final : public Authenticator {
 public:
  // Dovecot answers in milliseconds, but for a refusal, which it delays by 2 seconds. Mail programs
  // wait for 30.
  static constexpr std::chrono::milliseconds usual_patience = std::chrono::seconds(10);
  // More than wait at any time, unless nobody answers.
  static constexpr std::size_t most_waiting = 1000;

  explicit DovecotAuth(std::string socket_path,
                       std::chrono::milliseconds patience = usual_patience);
  // Those that wait get `unavailable`.
  ~DovecotAuth() override;

  void check(LoginAttempt attempt, Done done) override;

 private:
  struct Asked {
    LoginAttempt attempt;
    Done done;
    SteadyTime until;
    bool sent = false;
  };
  struct Inbox {
    std::deque<Asked> fresh;
    std::size_t waiting = 0;  // all that have no answer yet
    bool stopped = false;
  };
  // All below is the thread's.
  void run();
  bool take_fresh();
  void wait();
  void connect();
  void send_requests();
  void write();
  void read();
  void late();
  void answer(unsigned id, LoginAnswer answer);
  void give_up_all(const std::string& why);
  void disconnect(const std::string& why);
  std::chrono::milliseconds until_next() const;

  const std::string path_;
  const std::chrono::milliseconds patience_;
  Guarded<Inbox> inbox_;
  UniqueFd wake_;  // an eventfd
  UniqueFd socket_;
  std::optional<DovecotConversation> conversation_;  // while there is a socket
  SteadyTime last_heard_{};
  std::string output_;
  std::map<unsigned, Asked> asked_;  // by the id of the request
  unsigned next_id_ = 1;
  std::thread thread_;
};

}  // namespace sekisho::accounts
