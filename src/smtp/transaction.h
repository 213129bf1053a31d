// smtp/transaction.h: one message from MAIL to the verdict: envelope, content and answers. What is
// decided about mail is decided by the session; here is who may send what where, and what a message
// must be to be looked at. RFC 5321 §3.3, §4.1.1.2 to §4.1.1.5.
// Errors: replies; an exception ends the connection, and nothing was accepted. Thread: one owner.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "session/session.h"
#include "smtp/command.h"
#include "smtp/data.h"
#include "smtp/gate.h"
#include "smtp/header_watch.h"
#include "smtp/sender_domain.h"
#include "smtp/talk.h"

namespace sekisho::smtp {

class Transaction final : public DataSink {
 public:
  explicit Transaction(Talk& talk) : talk_(talk) {}

  // The client is known: the lookups for it begin, where it will be judged.
  void client_known();
  void helo(const std::string& name);
  void mail(std::string_view argument);
  void rcpt(std::string_view argument);
  void data();
  // The octets of the message; returns how many belonged to it.
  std::size_t take(std::string_view octets);
  // RSET, EHLO, or another client: what was begun is forgotten.
  void reset();
  // Another client, or a new beginning within TLS: its session is another one.
  void forget_client();
  // Nothing is under way, and nothing was for a while: what is known of the client, some 10 KB, is
  // let go. The next message asks again, and the DNS has most answers in its cache.
  void rest();

  // While an answer is awaited: when to call expire().
  SteadyTime deadline() const;
  void expire();

  // --- DataSink ---
  void field(mail::HeaderField field) override;
  void malformed_line(std::string line) override;
  void end_of_header() override;
  void body(std::string_view octets) override;

 private:
  // A RCPT on its way to its answer.
  struct Asking {
    RcptArguments arguments;
    mail::Path path;                    // as it goes into the message
    std::optional<Refusal> refusal;     // by the front, unless the session refuses it too
    const relay::Route* hop = nullptr;  // whose next hop must be asked, if nobody refuses it before
  };

  void ensure_session(relay::Standing standing);
  std::optional<Refusal> may_begin(relay::Standing standing);
  void begin(MailArguments arguments, mail::Path sender);
  void refuse_mail(const Refusal& refusal, const mail::Path& sender);
  session::Transmission how() const;

  void look_at_gate();
  void look_at_rules();
  std::optional<Refusal> helo_rule();
  std::optional<Refusal> sender_rule();
  std::optional<Refusal> cannot_reply(int code, std::string_view status, std::string_view why);
  bool has_rules(const mail::Path& recipient) const;
  std::optional<Refusal> only_logged(std::optional<Refusal> refusal, bool log_only);
  std::optional<Refusal> over_minute();
  std::optional<Refusal> over_day();
  void ask_session();
  void ask_next_hop();
  void answer_recipient(const session::Step& step);
  void refuse_recipient(const Reply& reply, std::string_view note);

  void end_of_data();
  std::optional<Reply> unacceptable() const;
  void refuse_message(const Reply& reply);
  void answer(const session::Outcome& outcome);
  std::string envelope_text(const mail::Path* recipient) const;

  Talk& talk_;
  // Its order of destruction: the session before what it keeps messages in.
  std::shared_ptr<session::Arrival> arrival_;
  std::unique_ptr<session::Keeping> keeping_;
  std::shared_ptr<session::Session> session_;
  std::optional<relay::Standing> session_standing_;  // by which the session knows the client

  // Of the message under way.
  relay::Standing standing_ = relay::Standing::stranger;
  mail::Path sender_;
  bool smtputf8_ = false;
  std::size_t recipients_ = 0;  // accepted
  std::size_t refused_ = 0;
  std::optional<mail::Path> first_recipient_;
  std::unique_ptr<SenderDomain> sender_domain_;
  std::optional<Asking> asking_;
  bool awaits_hop_ = false;    // a next hop about a recipient
  bool awaits_rules_ = false;  // the DNS about the sender's domain
  std::optional<DataReader> reader_;
  std::optional<HeaderWatch> watch_;
};

}  // namespace sekisho::smtp
