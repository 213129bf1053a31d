// The part of relay/conversation.h from MAIL to the reply to the message.
#include "relay/conversation.h"
#include "relay/results.h"

namespace sekisho::relay {

using Code = Result::Code;

void Conversation::begin(Transaction transaction) {
  transaction_ = std::move(transaction);
  outcome_.reset();
  const std::size_t count = transaction_->recipients.size();
  results_.assign(count, std::nullopt);
  accepted_.assign(count, false);
  next_recipient_ = 0;
  mail_accepted_ = false;
  heard_ = false;
  lines_ = DotLines();
  if (state_ == State::ended) return break_off("the connection is closed", "4.4.2");
  if (state_ == State::ready) start_transaction();
}

void Conversation::start_transaction() {
  if (reader_.started()) return break_off("a reply to nothing");
  if (dirty_) return send("RSET", Command::reset);
  check_envelope();
  if (all_settled()) return finish();
  send_envelope();
}

// What the server cannot be told at all.
void Conversation::check_envelope() {
  const Transaction& it = *transaction_;
  const auto failed = [](std::string_view status, std::string why) {
    return make_result(Code::failed, status, std::move(why));
  };
  if (!is_sendable(it.sender)) settle_all(failed("5.1.7", "the sender is no address"));
  const bool utf8 = offered_.has("SMTPUTF8");
  const std::string no_utf8 =
      "an address has characters beyond ASCII, and the server has no SMTPUTF8";
  if (!utf8 && !is_ascii(it.sender)) settle_all(failed("5.6.7", no_utf8));
  for (std::size_t i = 0; i < it.recipients.size(); ++i) {
    const std::string& to = it.recipients[i].address;
    if (to.empty() || !is_sendable(to)) settle(i, failed("5.1.3", "the recipient is no address"));
    if (!utf8 && !is_ascii(to)) settle(i, failed("5.6.7", no_utf8));
  }
  const auto most = offered_.size();
  if (!most || it.size <= *most) return;
  settle_all(failed("5.3.4", "the message has " + std::to_string(it.size) +
                                 " octets, and the server takes " + std::to_string(*most)));
}

void Conversation::send_envelope() {
  state_ = State::envelope;
  dirty_ = true;
  send(mail_command(*transaction_, offered_), Command::mail);
  if (!offered_.has("PIPELINING")) return;
  const auto& all = transaction_->recipients;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!results_[i]) send(rcpt_command(all[i], offered_), Command::rcpt, i);
  }
  next_recipient_ = all.size();
  send_data();
}

void Conversation::send_data() {
  if (transaction_->probe) return send("RSET", Command::reset);
  send("DATA", Command::data);
}

// Without PIPELINING: the next command, once the last is answered.
void Conversation::next_command() {
  const auto& all = transaction_->recipients;
  if (!mail_accepted_) return finish();
  while (next_recipient_ < all.size() && results_[next_recipient_]) ++next_recipient_;
  if (next_recipient_ < all.size()) {
    const std::size_t i = next_recipient_++;
    return send(rcpt_command(all[i], offered_), Command::rcpt, i);
  }
  if (!any_accepted() && !transaction_->probe) return finish();
  send_data();
}

// After each reply of the envelope.
void Conversation::go_on() {
  if (awaited_.empty() && state_ == State::envelope) next_command();
}

// 530 asks for a login that we do not have, or that was not enough.
void Conversation::on_mail(const Reply& reply) {
  if (reply.code == 530) return refuse(Trouble::login, result_of(Code::own_fault, reply));
  if (reply.transient()) return refuse(Trouble::host, result_of(Code::deferred, reply));
  mail_accepted_ = reply.positive();
  if (!mail_accepted_) settle_all(judged(reply));
  awaited_.pop_front();
  go_on();
}

void Conversation::on_rcpt(const Reply& reply, std::size_t recipient) {
  if (reply.code == 530) return refuse(Trouble::login, result_of(Code::own_fault, reply));
  Result result = reply.positive() ? result_of(Code::sent, reply) : judged(reply);
  result.at_rcpt = true;
  if (!reply.positive() || transaction_->probe) {
    settle(recipient, std::move(result));
  } else if (!results_[recipient]) {
    accepted_[recipient] = true;
  }
  awaited_.pop_front();
  go_on();
}

void Conversation::on_data(const Reply& reply) {
  if (!reply.intermediate()) {
    settle_all(judged(reply));
    awaited_.pop_front();
    return finish();
  }
  // After refused recipients, the dot ends a message for nobody (RFC 2920 §3.1). After a refused
  // sender, or by LMTP, nobody knows what it would do.
  if (!any_accepted()) {
    if (!mail_accepted_ || options_.lmtp) return break_off("DATA: accepted without recipients");
    awaited_.front().command = Command::dot;
    output_ += ".\r\n";
    state_ = State::dot;
    return;
  }
  awaited_.pop_front();
  state_ = State::content;
  for (std::size_t i = 0; i < accepted_.size(); ++i) {
    if (!accepted_[i]) continue;
    awaited_.push_back({Command::dot, i});
    if (!options_.lmtp) break;
  }
}

void Conversation::content(std::string_view octets) {
  if (state_ != State::content) return;
  ++progress_;
  if (!lines_.add(octets, output_)) content_failed("the message has a bare CR or LF");
}

void Conversation::content_end() {
  if (state_ != State::content) return;
  ++progress_;
  if (!lines_.end(output_)) return content_failed("the message ends with a bare CR");
  say('C', "(" + std::to_string(transaction_->size) + " octets)");
  state_ = State::dot;
}

void Conversation::content_failed(const std::string& why) {
  if (state_ != State::content) return;
  settle_all(own_fault("4.3.0", why, std::string(messages_fault)));
  end_here();
  finish();
}

// Before the message was sent whole, only a refusal can be its reply; the connection cannot go on.
void Conversation::on_early_dot(const Reply& reply) {
  if (reply.positive()) return break_off("message: a reply before its end: " + reply.text());
  settle_all(judged(reply));
  end_here();
  finish();
}

void Conversation::on_dot(const Reply& reply, std::size_t recipient) {
  if (state_ == State::content) return on_early_dot(reply);
  Result result = reply.positive() ? result_of(Code::sent, reply) : judged(reply);
  result.dsn = reply.positive() && offered_.has("DSN");
  if (options_.lmtp) {
    settle(recipient, result);
  } else {
    settle_all(result);
  }
  awaited_.pop_front();
  if (!awaited_.empty()) return;
  dirty_ = false;
  finish();
}

// Before a transaction, or at the end of a probe.
void Conversation::on_reset(const Reply& reply) {
  const Result refusal = result_of(Code::deferred, reply);
  awaited_.pop_front();
  if (reply.positive()) dirty_ = false;
  if (state_ == State::envelope) {
    if (dirty_) end_here();
    return finish();
  }
  if (dirty_) return refuse(Trouble::host, refusal);
  start_transaction();
}

}  // namespace sekisho::relay
