// relay/conversation.h: the client's side of SMTP and LMTP, without I/O: octets of the server in,
// octets for it out, and the result of each transaction. Any reply in any state has a result.
//   conversation.begin(transaction);
//   … write(conversation.take_output()); conversation.receive(octets); …
//   switch (conversation.want()) …                     what the driver must do next
// RFC 5321, 2033 (LMTP), 2920 (PIPELINING), 3207 (STARTTLS), 4954 (AUTH).
// Errors: are results; what is out of order ends the connection and counts as 4xx.
// Thread: one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "relay/dot_lines.h"
#include "relay/login.h"
#include "relay/options.h"
#include "relay/reply.h"
#include "relay/transaction.h"
#include "relay/transport.h"

namespace sekisho::relay {

struct ConversationOptions {
  bool lmtp = false;
  std::string helo;
  RouteTls tls = RouteTls::opportunistic;
  bool tls_first = false;  // smtps
};

// What the driver knows of the TLS that it has established.
struct TlsFacts {
  std::string summary;  // "TLSv1.3 TLS_AES_256_GCM_SHA384 verified"
  bool verified = false;
  std::string why_unverified;
};

// What stood in the way, where it was not this message.
enum class Trouble {
  none,
  host,        // this host does not serve us now: another may
  login,       // our login is refused, or cannot be used: the route pauses
  tls,         // the route demands TLS that the host does not give
  tls_broken,  // the handshake failed, and the route would do without
};

struct Outcome {
  std::vector<Result> results;  // one for each recipient; `host` and `took` are the driver's
  Trouble trouble = Trouble::none;
  // The connection broke before the server said anything to this transaction, or 421 was its first
  // word: if it was used before, it had only been idle for too long, or had its share.
  bool unheard = false;
};

class Conversation {
 public:
  enum class Want {
    reply,        // octets of the server
    handshake,    // TLS: then tls_established() or tls_failed()
    content,      // more of the message: content() or content_end()
    transaction,  // begin() or quit(); an outcome may be there
    end,          // close the connection; an outcome may be there
  };

  // `login`: nullptr for none. With one the certificate must be verified, whatever the options say.
  Conversation(ConversationOptions options, std::unique_ptr<Login> login);

  // Before the greeting, or when want() is `transaction`.
  void begin(Transaction transaction);
  void receive(std::string_view octets);
  // The connection is lost, or its time is up.
  void lost(const std::string& why);
  void tls_established(const TlsFacts& facts);
  void tls_failed(const std::string& why);
  void content(std::string_view octets);
  void content_end();
  // The message cannot be read: nothing may end it now, so the connection must break.
  void content_failed(const std::string& why);
  void quit();

  std::string take_output() { return std::exchange(output_, {}); }
  Want want() const;
  std::optional<Outcome> take_outcome() { return std::exchange(outcome_, std::nullopt); }
  // Grows with each reply and each command: then the time for the next reply begins.
  std::uint64_t progress() const { return progress_; }
  // The message is sent, so that its reply may take longer.
  bool after_dot() const { return state_ == State::dot; }
  // "MAIL FROM": what was said last, for the reason of a time-out.
  std::string stage() const;
  const std::deque<DialogueLine>& dialogue() const { return dialogue_; }
  bool in_tls() const { return in_tls_; }
  const Extensions& extensions() const { return offered_; }
  // A line of ours among the dialogue's: "connected to …".
  void note(std::string text) { say('*', std::move(text)); }

 private:
  enum class State {
    greeting,   // the server speaks first
    hello,      // EHLO, LHLO or HELO was sent
    starttls,   // STARTTLS was sent
    handshake,  // TLS
    auth,       // a mechanism of AUTH is under way
    ready,      // no transaction
    envelope,   // MAIL, RCPT, DATA, or RSET of a probe
    content,    // between 354 and the dot
    dot,        // the message was sent
    ended,      // nothing more is sent
  };
  enum class Command { greeting, ehlo, helo, starttls, auth, reset, mail, rcpt, data, dot };
  struct Awaited {
    Command command;
    std::size_t recipient = 0;  // rcpt, and dot of LMTP
  };

  void send(const std::string& line, Command command, std::size_t recipient = 0);
  void say(char who, std::string text);
  void take_reply(const Reply& reply);
  void dispatch(const Awaited& awaited, const Reply& reply);
  static bool fits(Command command, const Reply& reply);
  void on_greeting(const Reply& reply);
  void on_hello(const Reply& reply, Command said);
  void after_hello();
  void on_starttls(const Reply& reply);
  void begin_login();
  void next_mechanism();
  void say_secret(const std::string& line, const std::string& shown);
  void on_auth(const Reply& reply);
  void hello();

  void start_transaction();
  void check_envelope();
  void send_envelope();
  void next_command();
  void send_data();
  bool any_accepted() const;
  void on_mail(const Reply& reply);
  void on_rcpt(const Reply& reply, std::size_t recipient);
  void on_data(const Reply& reply);
  void on_reset(const Reply& reply);
  void on_early_dot(const Reply& reply);
  void on_dot(const Reply& reply, std::size_t recipient);
  void go_on();
  void finish();

  void settle(std::size_t recipient, Result result);
  void settle_all(const Result& result);
  bool all_settled() const;
  Result result_of(Result::Code code, const Reply& reply) const;
  Result judged(const Reply& reply) const;
  void refuse(Trouble trouble, const Result& result);
  void break_off(const std::string& why, std::string_view status = "4.5.0");
  void end_here();

  const ConversationOptions options_;
  std::unique_ptr<Login> login_;
  State state_;
  ReplyReader reader_{ReplyReader::Strictness::lenient};
  std::string output_;
  std::deque<Awaited> awaited_;  // replies, in the order of their commands
  Extensions offered_;
  bool in_tls_ = false;
  bool logged_in_ = false;
  std::string cancelled_;  // why we ended a mechanism; its last reply is to come
  std::optional<Reply> login_refusal_;
  std::uint64_t progress_ = 0;
  std::deque<DialogueLine> dialogue_;

  std::optional<Transaction> transaction_;
  std::vector<std::optional<Result>> results_;
  std::vector<bool> accepted_;      // by RCPT
  std::size_t next_recipient_ = 0;  // whose RCPT was not sent; without PIPELINING
  bool mail_accepted_ = false;
  bool heard_ = false;  // a reply to this transaction
  bool dirty_ = false;  // a transaction was begun and not ended: RSET comes before the next MAIL
  DotLines lines_;
  std::optional<Outcome> outcome_;
};

}  // namespace sekisho::relay
