// milter/conversation.h: one connection of an MTA, without its socket: packets in, packets out.
// The order of commands and what each may do stands in one table. Milter protocol versions 2 to 6.
// Errors: a malformed packet, or one out of order, ends the conversation; the MTA then applies its
// default action. Thread: one owner.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "milter/packet.h"
#include "policy/facts.h"
#include "session/engine.h"
#include "session/session.h"

namespace sekisho::milter {

class Conversation {
 public:
  // `send` takes packets for the MTA; it may be called inside receive(), or later when a verdict is
  // reached.
  Conversation(session::Engine& engine, policy::Role role, std::shared_ptr<Executor> owner,
               std::function<void(std::string)> send);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  enum class Next {
    go_on,
    close,           // the MTA said goodbye
    protocol_error,  // problem() says what was wrong
  };
  Next receive(const Packet& packet);
  const std::string& problem() const { return problem_; }
  // The MTA of this connection, as far as it has named itself.
  mail::Mta mta() const { return mta_; }

  // Whether the MTA speaks an old protocol, in which it removes the blank after the colon of a
  // header field.
  bool loses_blanks() const;
  std::uint32_t version() const { return agreed_.version; }
  // Whether a message is between MAIL and its verdict: the connection should not be closed then.
  bool in_message() const;
  // Whether the MTA waits for an answer.
  bool waiting() const { return stage_ == Stage::judging || awaits_step_; }
  // While waiting: when to call expire().
  SteadyTime deadline() const;
  void expire();
  // Reports progress to the MTA, where the protocol allows it: at the end of a message.
  void progress();

  enum class Stage : unsigned {
    negotiating,  // no packet yet
    connected,    // options are agreed; no client is known
    greeting,     // a client is known; no message has begun
    envelope,     // MAIL was seen
    header,       // the header arrives
    body,         // the header is complete
    judging,      // the end of DATA was seen; the verdict is awaited
  };

 private:
  struct Command;
  static const Command* find_command(char command);

  Next fail(std::string problem);
  // After an exception in a handler (no memory): the message gets a 4xx, if there is one.
  Next recover(char command, const std::exception& error) noexcept;
  void tempfail() noexcept;
  Next on_negotiate(std::string_view data);
  Next on_macros(std::string_view data);
  Next on_connect(std::string_view data);
  Next on_helo(std::string_view data);
  Next on_mail(std::string_view data);
  Next on_recipient(std::string_view data);
  Next too_many_recipients();
  Next on_header(std::string_view data);
  Next on_end_of_header(std::string_view data);
  Next on_body(std::string_view data);
  Next on_end_of_body(std::string_view data);
  Next on_abort(std::string_view data);
  Next on_quit(std::string_view data);
  Next on_new_connection(std::string_view data);
  Next on_ignored(std::string_view data);

  void answer(const session::Outcome& outcome) noexcept;
  void answer(const session::Step& step) noexcept;
  std::string packets_of(const session::Outcome& outcome) const;
  void put_edits(std::string& out, const session::Outcome& outcome) const;
  std::string macro(std::string_view name) const;
  void forget_macros(std::string_view commands);
  void new_session();

  session::Engine& engine_;
  policy::Role role_;
  std::shared_ptr<Executor> owner_;
  std::function<void(std::string)> send_;
  std::shared_ptr<session::Session> session_;
  Stage stage_ = Stage::negotiating;
  bool awaits_step_ = false;  // a RCPT must be answered
  Negotiation agreed_;
  // By their command; the value of a later command hides that of an earlier one.
  std::map<char, MacroValues> macros_;
  std::size_t macro_octets_ = 0;
  // Of the message under way.
  std::size_t recipients_ = 0;
  std::size_t recipient_octets_ = 0;
  std::string problem_;
  mail::Mta mta_ = mail::Mta::unknown;
};

}  // namespace sekisho::milter
