#include "relay/conversation.h"

#include <algorithm>

#include "relay/results.h"

namespace sekisho::relay {

namespace {

using Code = Result::Code;

// As many as show a whole dialogue with two EHLO of a usual server.
constexpr std::size_t dialogue_lines = 40;

}  // namespace

Conversation::Conversation(ConversationOptions options, std::unique_ptr<Login> login)
    : options_([&] {
        // A password is told only to whom it is meant for.
        if (login) options.tls = RouteTls::verified;
        return std::move(options);
      }()),
      login_(std::move(login)),
      state_(options_.tls_first ? State::handshake : State::greeting) {
  if (state_ == State::greeting) awaited_.push_back({Command::greeting});
}

Conversation::Want Conversation::want() const {
  switch (state_) {
    case State::handshake:
      return Want::handshake;
    case State::content:
      return Want::content;
    case State::ready:
      return transaction_ ? Want::reply : Want::transaction;
    case State::ended:
      return Want::end;
    case State::greeting:
    case State::hello:
    case State::starttls:
    case State::auth:
    case State::envelope:
    case State::dot:
      break;
  }
  return Want::reply;
}

std::string Conversation::stage() const {
  if (state_ == State::handshake) return "TLS handshake";
  if (state_ == State::content) return "message";
  if (awaited_.empty()) return "connection";
  switch (awaited_.front().command) {
    case Command::greeting:
      return "greeting";
    case Command::ehlo:
      return options_.lmtp ? "LHLO" : "EHLO";
    case Command::helo:
      return "HELO";
    case Command::starttls:
      return "STARTTLS";
    case Command::auth:
      return "AUTH";
    case Command::reset:
      return "RSET";
    case Command::mail:
      return "MAIL FROM";
    case Command::rcpt:
      return "RCPT TO";
    case Command::data:
      return "DATA";
    case Command::dot:
      break;
  }
  return "end of message";
}

void Conversation::say(char who, std::string text) {
  dialogue_.push_back({who, std::move(text)});
  if (dialogue_.size() > dialogue_lines) dialogue_.pop_front();
}

void Conversation::send(const std::string& line, Command command, std::size_t recipient) {
  say('C', line);
  output_ += line + "\r\n";
  awaited_.push_back({command, recipient});
  ++progress_;
}

void Conversation::say_secret(const std::string& line, const std::string& shown) {
  send(line, Command::auth);
  dialogue_.back().text = shown;
}

// --- What the server says

void Conversation::receive(std::string_view octets) {
  while (!octets.empty() && state_ != State::ended) {
    switch (reader_.read(octets)) {
      case ReplyReader::State::incomplete:
        return;
      case ReplyReader::State::broken:
        return break_off(stage() + ": " + reader_.why());
      case ReplyReader::State::complete:
        break;
    }
    const Reply reply = reader_.take();
    if (awaited_.empty()) return break_off("a reply to nothing: " + reply.text());
    // Nothing else was asked, so it cannot be an answer; behind STARTTLS it would be believed to
    // have come by TLS (CVE-2021-38371).
    const bool surplus = awaited_.size() == 1 && !octets.empty();
    take_reply(reply);
    if (surplus) return break_off(stage() + ": more than one reply to one command");
  }
}

void Conversation::take_reply(const Reply& reply) {
  ++progress_;
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    const bool last = i + 1 == reply.lines.size();
    say('S', std::to_string(reply.code) + (last ? " " : "-") + reply.lines[i].substr(0, 512));
  }
  const Awaited awaited = awaited_.front();
  if (!fits(awaited.command, reply)) {
    return break_off(stage() + ": a reply of the wrong class: " + reply.text());
  }
  const bool told = transaction_.has_value();
  const bool first = told && !std::exchange(heard_, true);
  if (reply.code != 421) return dispatch(awaited, reply);
  const Result result = result_of(Code::deferred, reply);
  awaited_.pop_front();
  refuse(Trouble::host, result);
  // It ends this connection, and perhaps only for the number of its messages.
  if (told) outcome_->unheard = first;
}

// The replies that a command may have (RFC 5321 §4.3.2).
bool Conversation::fits(Command command, const Reply& reply) {
  switch (command) {
    case Command::auth:
      return true;
    case Command::data:
      return !reply.positive();
    case Command::greeting:
    case Command::ehlo:
    case Command::helo:
    case Command::starttls:
    case Command::reset:
    case Command::mail:
    case Command::rcpt:
    case Command::dot:
      break;
  }
  return !reply.intermediate();
}

// The stage in a result is that of the reply, so it leaves the queue after its result is made.
void Conversation::dispatch(const Awaited& awaited, const Reply& reply) {
  switch (awaited.command) {
    case Command::greeting:
      return on_greeting(reply);
    case Command::ehlo:
    case Command::helo:
      return on_hello(reply, awaited.command);
    case Command::starttls:
      return on_starttls(reply);
    case Command::auth:
      return on_auth(reply);
    case Command::reset:
      return on_reset(reply);
    case Command::mail:
      return on_mail(reply);
    case Command::rcpt:
      return on_rcpt(reply, awaited.recipient);
    case Command::data:
      return on_data(reply);
    case Command::dot:
      break;
  }
  on_dot(reply, awaited.recipient);
}

// --- Before the first transaction

// A 5xx here speaks of this host, not of a message: another one may serve us, or this one later.
void Conversation::on_greeting(const Reply& reply) {
  if (!reply.positive()) return refuse(Trouble::host, result_of(Code::deferred, reply));
  awaited_.pop_front();
  hello();
}

void Conversation::hello() {
  state_ = State::hello;
  send((options_.lmtp ? "LHLO " : "EHLO ") + options_.helo, Command::ehlo);
}

void Conversation::on_hello(const Reply& reply, Command said) {
  const Result refusal = result_of(Code::deferred, reply);
  if (reply.positive()) {
    awaited_.pop_front();
    offered_ = said == Command::ehlo ? Extensions::of(reply) : Extensions();
    return after_hello();
  }
  if (reply.permanent() && said == Command::ehlo && !options_.lmtp) {
    awaited_.pop_front();
    return send("HELO " + options_.helo, Command::helo);
  }
  refuse(Trouble::host, refusal);
}

void Conversation::after_hello() {
  if (in_tls_ || options_.tls == RouteTls::none) return begin_login();
  if (offered_.has("STARTTLS")) {
    state_ = State::starttls;
    return send("STARTTLS", Command::starttls);
  }
  if (options_.tls == RouteTls::opportunistic) return begin_login();
  refuse(Trouble::tls, make_result(Code::own_fault, "4.7.4",
                                   "the route demands TLS, and the server does not offer it"));
}

void Conversation::on_starttls(const Reply& reply) {
  const Result refusal = result_of(Code::own_fault, reply);
  awaited_.pop_front();
  if (reply.positive()) {
    state_ = State::handshake;
    return;
  }
  if (options_.tls == RouteTls::opportunistic) return begin_login();
  refuse(Trouble::tls, refusal);
}

void Conversation::tls_established(const TlsFacts& facts) {
  if (state_ != State::handshake) return;
  ++progress_;
  say('*', facts.summary);
  if (options_.tls == RouteTls::verified && !facts.verified) {
    return refuse(Trouble::tls,
                  make_result(Code::own_fault, "4.7.5",
                              "the certificate is not verified: " + facts.why_unverified));
  }
  in_tls_ = true;
  offered_ = Extensions();
  if (!options_.tls_first) return hello();
  state_ = State::greeting;
  awaited_.push_back({Command::greeting});
}

void Conversation::tls_failed(const std::string& why) {
  if (state_ != State::handshake) return;
  const bool demanded = options_.tls_first || options_.tls != RouteTls::opportunistic;
  refuse(demanded ? Trouble::tls : Trouble::tls_broken,
         make_result(demanded ? Code::own_fault : Code::deferred, "4.7.5", why));
}

void Conversation::begin_login() {
  if (login_ && !logged_in_) {
    if (in_tls_) return next_mechanism();
    return refuse(Trouble::tls,
                  make_result(Code::own_fault, "4.7.4", "a login is used with TLS only"));
  }
  state_ = State::ready;
  if (transaction_) start_transaction();
}

void Conversation::next_mechanism() {
  state_ = State::auth;
  // Why the mechanism before was given up says nothing of the next one.
  std::string why = std::exchange(cancelled_, {});
  const auto offered = offered_.mechanisms();
  while (login_->next(offered)) {
    const auto command = login_->command();
    if (command) return say_secret(*command, "AUTH " + login_->mechanism() + " ***");
    why = command.error();
  }
  Result result = make_result(Code::own_fault, "4.7.8", why);
  if (login_refusal_) {
    result = result_of(Code::own_fault, *login_refusal_);
    result.why = "AUTH as " + login_->name() + ": " + login_refusal_->text();
  } else if (offered.empty()) {
    result.why = "the server does not offer AUTH";
  } else if (why.empty()) {
    result.why = "the server offers no mechanism that we know:";
    for (const auto& one : offered) result.why += " " + one;
  }
  refuse(Trouble::login, result);
}

void Conversation::on_auth(const Reply& reply) {
  const Result refusal = result_of(Code::deferred, reply);
  awaited_.pop_front();
  if (reply.transient()) return refuse(Trouble::host, refusal);
  if (reply.permanent()) {
    if (cancelled_.empty()) login_refusal_ = reply;
    return next_mechanism();
  }
  if (reply.intermediate()) {
    const auto answer = login_->respond(reply.lines.front());
    if (answer && cancelled_.empty()) return say_secret(*answer, "***");
    // One that goes on after the "*" cannot be ended but by ending all (RFC 4954 §4).
    if (!cancelled_.empty()) return break_off("AUTH: " + cancelled_);
    cancelled_ = answer.error();
    return send("*", Command::auth);
  }
  if (!cancelled_.empty() || !login_->complete()) {
    return refuse(Trouble::login,
                  make_result(Code::own_fault, "4.7.8",
                              "the server accepts the login, and has not proved who it is"));
  }
  logged_in_ = true;
  begin_login();
}

// --- Results

bool Conversation::any_accepted() const {
  for (std::size_t i = 0; i < accepted_.size(); ++i) {
    if (accepted_[i] && !results_[i]) return true;
  }
  return false;
}

bool Conversation::all_settled() const {
  return std::all_of(results_.begin(), results_.end(),
                     [](const auto& one) { return one.has_value(); });
}

void Conversation::settle(std::size_t recipient, Result result) {
  if (!results_[recipient]) results_[recipient] = std::move(result);
}

void Conversation::settle_all(const Result& result) {
  for (std::size_t i = 0; i < results_.size(); ++i) settle(i, result);
}

Result Conversation::result_of(Code code, const Reply& reply) const {
  const char first = code == Code::sent ? '2' : code == Code::failed ? '5' : '4';
  const std::string status = reply.status();
  const bool fits = !status.empty() && (status[0] == first || code == Code::loop);
  Result result = make_result(code, fits ? status : std::string(1, first) + ".0.0",
                              stage() + ": " + reply.text());
  result.reply = reply.whole();
  return result;
}

// 552 at RCPT is too many recipients (RFC 5321 §4.5.3.1.10); 5.4.6 is a loop (RFC 3463 §3.5).
Result Conversation::judged(const Reply& reply) const {
  const bool too_many = reply.code == 552 && awaited_.front().command == Command::rcpt;
  if (too_many) {
    Result result = result_of(Code::deferred, reply);
    result.status = "4.5.3";
    return result;
  }
  if (!reply.permanent()) return result_of(Code::deferred, reply);
  return result_of(reply.status() == "5.4.6" ? Code::loop : Code::failed, reply);
}

void Conversation::finish() {
  if (!transaction_) return;
  Outcome outcome;
  for (auto& result : results_) {
    outcome.results.push_back(result ? std::move(*result)
                                     : make_result(Code::deferred, "4.3.0", "no result"));
  }
  outcome_ = std::move(outcome);
  transaction_.reset();
  awaited_.clear();
  if (state_ != State::ended) state_ = State::ready;
}

// Nothing else is said on this connection.
void Conversation::end_here() {
  const bool polite = state_ != State::content && state_ != State::handshake;
  if (polite && state_ != State::ended) output_ += "QUIT\r\n";
  state_ = State::ended;
}

void Conversation::refuse(Trouble trouble, const Result& result) {
  settle_all(result);
  end_here();
  const bool told = transaction_.has_value();
  finish();
  if (told) outcome_->trouble = trouble;
}

void Conversation::break_off(const std::string& why, std::string_view status) {
  // After the dot the server may have the message: another host would deliver it again.
  const bool may_have_it = state_ == State::dot && any_accepted();
  const bool told = transaction_.has_value();
  settle_all(make_result(Code::deferred, status,
                         may_have_it ? why + "; it may have been delivered" : why));
  output_.clear();
  state_ = State::ended;
  finish();
  if (!told) return;
  outcome_->trouble = may_have_it ? Trouble::none : Trouble::host;
  outcome_->unheard = !heard_;
}

void Conversation::lost(const std::string& why) {
  if (state_ == State::ended) return;
  if (state_ == State::handshake) return tls_failed(why);
  // Some servers close the connection behind their 535.
  if (state_ == State::auth && login_refusal_) {
    Result result = result_of(Code::own_fault, *login_refusal_);
    result.why = "AUTH as " + login_->name() + ": " + login_refusal_->text();
    refuse(Trouble::login, result);
    output_.clear();
    return;
  }
  break_off(stage() + ": " + why, "4.4.2");
}

void Conversation::quit() {
  if (state_ == State::ended) return;
  say('C', "QUIT");
  end_here();
}

}  // namespace sekisho::relay
