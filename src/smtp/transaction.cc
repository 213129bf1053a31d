#include "smtp/transaction.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/encoding.h"
#include "policy/access_list.h"

namespace sekisho::smtp {

using relay::Standing;

void Transaction::client_known() {
  // Others are not judged, or log in first: nothing is looked up before there is a message.
  const auto standing = talk_.standing();
  const bool judged = standing == Standing::stranger || standing == Standing::permitted;
  if (talk_.client.profile == Profile::mx && judged) ensure_session(standing);
}

void Transaction::helo(const std::string& name) {
  if (session_) session_->helo(name);
}

void Transaction::ensure_session(Standing standing) {
  if (session_ && session_standing_ == standing) return;
  session_.reset();
  auto& services = talk_.services;
  arrival_ = std::make_shared<session::Arrival>();
  keeping_ = services.keeping ? services.keeping(arrival_) : nullptr;
  session_ = session::Session::create(services.engine, role_of(talk_.client.profile), talk_.owner(),
                                      keeping_.get());
  session_standing_ = standing;
  session_->connect(talk_.client.for_session(), talk_.site->hostname);
  if (!talk_.client.helo.empty()) session_->helo(talk_.client.helo);
}

void Transaction::forget_client() {
  reset();
  session_.reset();
  session_standing_.reset();
}

void Transaction::rest() {
  session_.reset();
  session_standing_.reset();
  keeping_.reset();
  arrival_.reset();
}

void Transaction::reset() {
  if (session_) session_->abort();
  sender_ = {};
  smtputf8_ = false;
  recipients_ = refused_ = 0;
  first_recipient_.reset();
  sender_domain_.reset();
  asking_.reset();
  awaits_hop_ = false;
  awaits_rules_ = false;
  reader_.reset();
  watch_.reset();
  const bool begun = talk_.state == State::envelope || talk_.state == State::recipients ||
                     talk_.state == State::data || talk_.state == State::judging;
  if (begun) talk_.state = State::ready;
}

// --- MAIL ----------------------------------------------------------------------------------------

std::optional<Refusal> Transaction::may_begin(Standing standing) {
  const auto refuse = [](int code, std::string_view status, std::string_view text,
                         std::string note = {}) {
    return Refusal{mail::SmtpReply(code, status, text), std::move(note)};
  };
  const auto& client = talk_.client;
  if (!client.may_not_send.empty()) return refuse(550, "5.7.1", client.may_not_send);
  if (client.submits() && client.login.empty())
    return refuse(530, "5.7.0", "Authentication required");
  if (const auto why = talk_.services.no_room()) {
    return refuse(452, "4.3.1", "Insufficient system storage", *why);
  }
  const bool limited = smtp::has_limits(standing);
  if (limited && !talk_.services.limits.message(client.key(), talk_.limits())) {
    return refuse(450, "4.7.1", "Error: too much mail from " + client.key());
  }
  return std::nullopt;
}

void Transaction::mail(std::string_view argument) {
  talk_.site = talk_.services.sites.now();
  standing_ = talk_.standing();
  if (const auto refusal = may_begin(standing_)) return refuse_mail(*refusal, {});
  auto arguments = read_mail(
      argument, {.smtputf8 = talk_.site->smtputf8, .message_size = talk_.limits().message_size});
  if (!arguments) return talk_.answer(arguments.error());
  auto answer = at_mail(*talk_.site, talk_.client, standing_, arguments->path);
  if (answer.refusal) return refuse_mail(*answer.refusal, arguments->path);
  begin(std::move(*arguments), std::move(answer.path));
  talk_.answer({250, "2.1.0", "Ok"});
}

void Transaction::refuse_mail(const Refusal& refusal, const mail::Path& sender) {
  const auto reply = Reply::of(refusal.reply);
  sender_ = sender;
  talk_.log_reject("reject", "MAIL", reply, envelope_text(nullptr), refusal.note);
  sender_ = {};
  talk_.answer(reply);
}

session::Transmission Transaction::how() const {
  const auto& client = talk_.client;
  return {client.protocol(), client.tls, client.user ? std::to_string(*client.user) : ""};
}

void Transaction::begin(MailArguments arguments, mail::Path sender) {
  ensure_session(standing_);
  const auto snapshot = talk_.services.engine.snapshot();
  sender_ = std::move(sender);
  smtputf8_ = arguments.smtputf8;
  if (smtp::has_rules(standing_) && snapshot->resolver) {
    sender_domain_ = std::make_unique<SenderDomain>(*snapshot->resolver, snapshot->dns, sender_,
                                                    talk_.back([this] {
                                                      if (awaits_rules_) look_at_rules();
                                                    }));
  }
  *arrival_ = {};
  arrival_->origin = origin_of(standing_);
  arrival_->login = talk_.client.login;
  arrival_->protocol = talk_.client.protocol();
  arrival_->tls = talk_.client.tls;
  session_->mail_from({.path = sender_,
                       .authenticated = !talk_.client.login.empty(),
                       .parameters = std::move(arguments.parameters),
                       .how = how()});
  talk_.state = State::envelope;
}

// --- RCPT ----------------------------------------------------------------------------------------

void Transaction::rcpt(std::string_view argument) {
  const auto most = talk_.limits().recipients;
  auto arguments = read_rcpt(argument, smtputf8_);
  if (!arguments) return talk_.answer(arguments.error());
  const bool many = most > 0 && recipients_ >= most && standing_ != Standing::local;
  if (many) return talk_.answer({452, "4.5.3", "Error: too many recipients"});
  auto path = arguments->path;
  asking_.emplace(Asking{std::move(*arguments), std::move(path), std::nullopt, nullptr});
  // Guesses count too, and cost nothing more once there were enough of them.
  asking_->refusal = over_minute();
  if (!asking_->refusal) look_at_gate();
  if (asking_->refusal) return ask_session();
  look_at_rules();
}

void Transaction::look_at_gate() {
  auto gate = at_rcpt(*talk_.site, talk_.client, standing_, asking_->arguments.path);
  asking_->path = std::move(gate.path);
  asking_->refusal = std::move(gate.refusal);
  if (gate.code == RecipientAnswer::Code::ask) asking_->hop = gate.route;
}

void Transaction::ask_next_hop() {
  const auto* const hop = std::exchange(asking_->hop, nullptr);
  const auto answered = [this](const Asked& asked) {
    if (!asking_) return;  // the client has gone
    awaits_hop_ = false;
    const auto refusal = after_asking(asked, asking_->arguments.path);
    if (refusal) return refuse_recipient(Reply::of(refusal->reply), refusal->note);
    ask_session();
  };
  talk_.wait();
  awaits_hop_ = true;
  if (!talk_.services.ask) return answered({Asked::Code::later, "nobody can be asked"});
  talk_.services.ask(asking_->path, *hop, talk_.back<Asked>(answered));
}

bool Transaction::has_rules(const mail::Path& recipient) const {
  if (!smtp::has_rules(standing_) || is_postmaster(recipient)) return false;
  const auto allowlist = talk_.services.engine.snapshot()->rules.allowlist;
  if (!allowlist || !talk_.client.address) return true;
  const auto entries = allowlist->find(*talk_.client.address, talk_.services.engine.now());
  return std::none_of(entries.begin(), entries.end(),
                      [](const auto* entry) { return entry->effect.skips_smtp(); });
}

// The rules of [smtp], then the day of a login.
void Transaction::look_at_rules() {
  awaits_rules_ = false;
  auto& refusal = asking_->refusal;
  if (has_rules(asking_->path)) {
    const bool open = sender_domain_ && sender_domain_->code() == SenderDomain::Code::open;
    if (open) {
      awaits_rules_ = true;
      return talk_.wait();
    }
    const auto& rules = talk_.site->rules;
    refusal = only_logged(helo_rule(), rules.helo == OnHelo::log);
    if (!refusal) {
      refusal = only_logged(sender_rule(), rules.sender_domain == OnSenderDomain::log);
    }
  }
  if (!refusal) refusal = over_day();
  ask_session();
}

std::optional<Refusal> Transaction::only_logged(std::optional<Refusal> refusal, bool log_only) {
  if (!refusal || !log_only) return refusal;
  talk_.log_reject("reject_warning", "RCPT", Reply::of(refusal->reply),
                   envelope_text(&asking_->arguments.path));
  return std::nullopt;
}

std::optional<Refusal> Transaction::helo_rule() {
  if (is_well_formed_helo(talk_.client.helo)) return std::nullopt;
  return Refusal{mail::SmtpReply(501, "5.5.2",
                                 "<" + talk_.client.helo +
                                     ">: Helo command rejected: invalid name (no literal, no "
                                     "address, no labels of letters, digits, - and _)"),
                 ""};
}

std::optional<Refusal> Transaction::cannot_reply(int code, std::string_view status,
                                                 std::string_view why) {
  const std::string text = "<" + sender_.raw() + ">: Sender address rejected: " + std::string(why);
  return Refusal{mail::SmtpReply(code, status, text), ""};
}

std::optional<Refusal> Transaction::sender_rule() {
  const auto code = sender_domain_ ? sender_domain_->code() : SenderDomain::Code::good;
  switch (code) {
    case SenderDomain::Code::open:
    case SenderDomain::Code::good:
      return std::nullopt;
    case SenderDomain::Code::missing:
      return cannot_reply(550, "5.1.8", "Domain not found");
    case SenderDomain::Code::null_mx:
      return cannot_reply(550, "5.7.27", "Domain does not accept mail (null MX)");
    case SenderDomain::Code::failed:
      break;
  }
  // A deferral ends: the DNS of some senders never answers.
  auto& engine = talk_.services.engine;
  policy::Facts facts;
  facts.mail_from = sender_;
  facts.client.address = talk_.client.address;
  const auto now = steady_now();
  const auto since = engine.deferrals().deferred_for(facts, now);
  if (since && *since >= talk_.site->defer_for) return std::nullopt;
  if (talk_.site->rules.sender_domain != OnSenderDomain::log) {
    engine.deferrals().deferred(facts, now, engine.now());
  }
  return cannot_reply(450, "4.1.8", "Domain not found now");
}

// By address, and by login: a stolen one is used from many addresses.
std::optional<Refusal> Transaction::over_minute() {
  if (!smtp::has_limits(standing_)) return std::nullopt;
  auto& limits = talk_.services.limits;
  const auto& client = talk_.client;
  const bool by_address = limits.recipient(client.key(), talk_.limits());
  const bool by_login = client.login.empty() ||
                        limits.recipient("login:" + ascii::lower(client.login), talk_.limits());
  if (by_address && by_login) return std::nullopt;
  const std::string who = by_address ? client.login : client.key();
  return Refusal{mail::SmtpReply(450, "4.7.1", "Error: too many recipients from " + who), ""};
}

std::optional<Refusal> Transaction::over_day() {
  auto& services = talk_.services;
  const auto& client = talk_.client;
  if (client.login.empty()) return std::nullopt;
  const auto most = talk_.limits().recipients_per_day;
  const std::string key = "login:" + client.login;
  if (services.quota.has_room(client.login, most)) {
    services.alarm_over(key);
    return std::nullopt;
  }
  services.alarm(key,
                 "the login " + client.login + " has sent to " + std::to_string(most) +
                     " recipients in 24 hours (limits.recipients_per_day); more are refused. If "
                     "that is not its owner, change its password");
  return Refusal{mail::SmtpReply(450, "4.7.1", "Error: too many recipients in 24 hours"), ""};
}

// The session has the first word: whoever stands on the denylist hears that, and not who exists.
// A recipient that the front refuses, or whose next hop is asked first, never becomes one here.
void Transaction::ask_session() {
  session::Recipient recipient{asking_->path, asking_->arguments.parameters};
  talk_.wait();
  const auto answered = [this](const session::Step& step) {
    talk_.guarded([&] { answer_recipient(step); });
  };
  if (asking_->refusal || asking_->hop != nullptr) {
    session_->ask_about(std::move(recipient), answered);
  } else {
    session_->rcpt_to(std::move(recipient), answered);
  }
}

void Transaction::answer_recipient(const session::Step& step) {
  if (step.refusal) return refuse_recipient(Reply::of(*step.refusal), "");
  if (asking_->refusal) {
    const auto refusal = *asking_->refusal;
    return refuse_recipient(Reply::of(refusal.reply), refusal.note);
  }
  if (asking_->hop != nullptr) return ask_next_hop();
  if (!talk_.client.login.empty()) talk_.services.quota.count(talk_.client.login);
  if (recipients_++ == 0) first_recipient_ = asking_->path;
  asking_.reset();
  talk_.state = State::recipients;
  talk_.answer({250, "2.1.5", "Ok"});
}

void Transaction::refuse_recipient(const Reply& reply, std::string_view note) {
  ++refused_;
  ++talk_.services.counters.recipients_refused;
  talk_.log_reject("reject", "RCPT", reply, envelope_text(&asking_->arguments.path), note);
  asking_.reset();
  talk_.answer(reply);
}

// --- DATA ----------------------------------------------------------------------------------------

void Transaction::data() {
  if (recipients_ == 0) {
    if (refused_ > 0) return talk_.answer({554, "5.5.1", "Error: no valid recipients"});
    return talk_.answer({503, "5.5.1", "Error: need RCPT command"});
  }
  reader_.emplace(*this);
  watch_.emplace(talk_.site->hostname);
  talk_.state = State::data;
  talk_.answer({354, "", "End data with <CR><LF>.<CR><LF>"});
}

std::size_t Transaction::take(std::string_view octets) {
  const auto taken = reader_->take(octets);
  const auto most = talk_.limits().message_size;
  if (most > 0 && reader_->octets() > most) reader_->discard();
  if (reader_->ended()) end_of_data();
  return taken;
}

void Transaction::field(mail::HeaderField field) {
  watch_->see(field);
  session_->header(std::move(field.name), std::move(field.value));
}

void Transaction::malformed_line(std::string line) {
  watch_->malformed_line(line);
  session_->malformed_line(std::move(line));
}

void Transaction::end_of_header() { session_->end_of_header(); }

void Transaction::body(std::string_view octets) { session_->body(octets); }

// Why it cannot be a message of ours at all; the verdict is the session's.
std::optional<Reply> Transaction::unacceptable() const {
  const auto most = talk_.limits().message_size;
  if (most > 0 && reader_->octets() > most) {
    return Reply{552, "5.3.4", "Error: message exceeds fixed limit"};
  }
  if (reader_->has_nul()) return Reply{554, "5.6.0", "Error: the message contains a NUL octet"};
  if (reader_->has_bare_line_end() && talk_.site->rules.bare_lf == OnBareLf::reject) {
    return Reply{550, "5.5.2", "Error: bare <CR> or <LF> received"};
  }
  if (reader_->header_too_long()) return Reply{552, "5.3.4", "Error: the header is too long"};
  if (talk_.client.login.empty()) return std::nullopt;
  const auto owns = [this](const mail::Mailbox& mailbox) {
    return talk_.site->directory &&
           talk_.site->directory->may_send_as(talk_.client.login, mail::Path(mailbox.text()));
  };
  if (author_belongs(watch_->author(), owns)) return std::nullopt;
  return Reply{550, "5.7.1", "From: header rejected: not owned by user " + talk_.client.login};
}

void Transaction::end_of_data() {
  talk_.state = State::judging;
  if (const auto reply = unacceptable()) return refuse_message(*reply);
  const bool our_own = standing_ == Standing::login || standing_ == Standing::local;
  if (our_own) arrival_->edits = watch_->completion(session_->id(), talk_.services.engine.now());
  arrival_->received = watch_->received();
  arrival_->received_by_us = watch_->received_by_us();
  talk_.wait();
  session_->end_of_message(session_->id(), [this](const session::Outcome& outcome) {
    talk_.guarded([&] { answer(outcome); });
  });
}

void Transaction::refuse_message(const Reply& reply) {
  ++talk_.services.counters.messages_refused;
  talk_.log_reject("reject", "END-OF-MESSAGE", reply,
                   envelope_text(first_recipient_ ? &*first_recipient_ : nullptr));
  const bool bare = reader_->has_bare_line_end() && reply.status == "5.5.2";
  reset();
  talk_.answer(reply);
  // Who sends such line ends may believe that more messages follow.
  if (bare) talk_.state = State::ended;
}

void Transaction::answer(const session::Outcome& outcome) {
  const auto& decision = outcome.verdict.message;
  const bool refused =
      decision.action == policy::Action::reject || decision.action == policy::Action::tempfail;
  if (refused) {
    return refuse_message(decision.reply ? Reply::of(*decision.reply)
                                         : Reply{451, "4.3.0", "Error: try again later"});
  }
  // No MTA could hold it: what the store did not take is not accepted.
  if (outcome.held == session::Outcome::Held::by_mta) {
    return refuse_message({451, "4.7.1", "Error: the message cannot be held now"});
  }
  const auto& client = talk_.client;
  std::string line = outcome.facts.id + ": client=" + client.text();
  if (!client.login.empty()) {
    line += ", sasl_method=" + client.mechanism +
            ", sasl_username=" + escape_as_word(client.login, 255);
  }
  if (client.user) line += ", uid=" + std::to_string(*client.user);
  talk_.log(LogLevel::info, line);
  ++talk_.services.counters.messages;
  const Reply reply{250, "2.0.0", "Ok: queued as " + outcome.facts.id};
  reset();
  talk_.forgive();
  talk_.answer(reply);
}

std::string Transaction::envelope_text(const mail::Path* recipient) const {
  std::string text = " from=<" + escape_as_word(sender_.raw(), 320) + ">";
  if (recipient != nullptr) text += " to=<" + escape_as_word(recipient->raw(), 320) + ">";
  return text;
}

// --- waiting -------------------------------------------------------------------------------------

SteadyTime Transaction::deadline() const {
  // The question has a time of its own, and the session waits for nothing meanwhile.
  if (awaits_hop_) return SteadyTime::max();
  if (awaits_rules_) return sender_domain_->deadline();
  return session_ ? session_->deadline() : SteadyTime::max();
}

void Transaction::expire() {
  if (awaits_rules_) {
    sender_domain_->expire();
    return look_at_rules();
  }
  if (session_) session_->expire();
}

}  // namespace sekisho::smtp
