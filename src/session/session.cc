#include "session/session.h"

#include <algorithm>

#include "authres/compose.h"
#include "policy/decide.h"
#include "session/edits.h"
#include "session/traces.h"

namespace sekisho::session {

// One message, from MAIL FROM to its outcome; or the lookups that begin before there is one.
struct Session::Message {
  Message(std::shared_ptr<const Snapshot> configuration, crypto::KeyCache& keys, WallTime now,
          std::function<void()> notify)
      : snapshot(std::move(configuration)), checks(snapshot, keys, now, std::move(notify)) {}

  std::shared_ptr<const Snapshot> snapshot;
  SteadyTime began = steady_now();
  SteadyTime ended = began;  // the end of the message has come
  policy::Facts facts;
  mail::Header header;
  std::optional<ForgedFields> forged;
  std::vector<std::string> malformed_lines;
  Done done;
  std::optional<std::string> failure;
  // Last, for its lookups refer to what stands above.
  Checks checks;
};

std::shared_ptr<Session> Session::create(Engine& engine, policy::Role role,
                                         std::shared_ptr<Executor> owner) {
  return std::shared_ptr<Session>(new Session(engine, role, std::move(owner)));
}

Session::Session(Engine& engine, policy::Role role, std::shared_ptr<Executor> owner)
    : engine_(engine), role_(role), owner_(std::move(owner)) {}

Session::~Session() {
  if (message_) ++engine_.counters().aborted;
}

std::unique_ptr<Session::Message> Session::new_message() {
  return std::make_unique<Message>(
      engine_.snapshot(), engine_.keys(), engine_.now(),
      // On the resolver's thread: hand over to the owner, who may be gone by then.
      [weak = weak_from_this(), owner = owner_] {
        owner->post([weak] {
          if (const auto self = weak.lock()) self->guarded([&] { self->advance(); });
        });
      });
}

template <class Event>
void Session::guarded(const Event& event) {
  try {
    event();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

// After a failure the rest of the message is not looked at.
bool Session::receiving() const { return message_ && !message_->failure; }

policy::Exemption Session::exemption(bool authenticated) const {
  const auto snapshot = message_ ? message_->snapshot : engine_.snapshot();
  const auto& trust = snapshot->options.trust;
  if (authenticated && trust.authenticated == OnAuthenticated::skip) {
    return policy::Exemption::authenticated;
  }
  if (client_.unix_socket) return policy::Exemption::unix_socket;
  const auto contains_client = [&](const mail::IpPrefix& network) {
    return client_.address && network.contains(*client_.address);
  };
  if (std::any_of(trust.networks.begin(), trust.networks.end(), contains_client)) {
    return policy::Exemption::trusted_network;
  }
  return policy::Exemption::none;
}

bool Session::evaluated() const { return message_->facts.exemption == policy::Exemption::none; }

std::string Session::own_name(const Snapshot& snapshot) const {
  const auto& identity = snapshot.options.identity;
  if (!identity.authserv_id.empty()) return identity.authserv_id;
  return mta_name_.empty() ? identity.hostname : mta_name_;
}

void Session::connect(policy::Client client, std::string mta_name) {
  client_ = std::move(client);
  mta_name_ = std::move(mta_name);
  // Where clients log in, nothing is looked up before MAIL FROM shows that this one did not.
  if (role_ != policy::Role::mx || exemption(false) != policy::Exemption::none) return;
  if (!client_.address) return;
  guarded([&] {
    early_ = new_message();
    early_->checks.client(*client_.address);
  });
}

void Session::helo(std::string name) {
  client_.helo = std::move(name);
  if (!early_ || !client_.address) return;
  guarded(
      [&] { early_->checks.helo(*client_.address, client_.helo, own_name(*early_->snapshot)); });
}

void Session::mail_from(MailFrom from) {
  if (message_) abort();  // a front that forgot to say so
  guarded([&] { begin(std::move(from)); });
  early_.reset();
}

void Session::begin(MailFrom from) {
  // The first message takes over what began before it, unless it needs none of it, there is a new
  // configuration since, or the client took so long that lookups may have failed for want of time.
  const auto exempted = exemption(from.authenticated);
  const bool begun = early_ && exempted == policy::Exemption::none &&
                     early_->snapshot == engine_.snapshot() &&
                     steady_now() - early_->began < early_->snapshot->dns.message_budget;
  message_ = begun ? std::move(early_) : new_message();
  message_->began = steady_now();
  auto& facts = message_->facts;
  facts.id = engine_.next_id();
  facts.received = engine_.now();
  facts.role = role_;
  facts.client = client_;
  facts.mail_from = std::move(from.address);
  facts.exemption = exempted;
  const auto& snapshot = *message_->snapshot;
  const std::string name = own_name(snapshot);
  message_->forged.emplace(name, snapshot.options.identity.authserv_aliases);
  if (!evaluated() || !client_.address) return;
  auto& checks = message_->checks;
  if (begun) {
    checks.restart(facts.received);
  } else {
    checks.client(*client_.address);
    checks.helo(*client_.address, client_.helo, name);
  }
  checks.mail_from(*client_.address, client_.helo, facts.mail_from, name);
}

void Session::rcpt_to(std::string address) {
  if (message_) message_->facts.recipients.push_back(std::move(address));
}

void Session::header(std::string name, std::string value) {
  if (!receiving()) return;
  guarded([&] {
    mail::HeaderField field{std::move(name), std::move(value)};
    message_->forged->see(field);
    if (evaluated()) message_->checks.header_field(field);
    if (message_->header.add(std::move(field)) != mail::Header::Added::yes) {
      message_->facts.header_over_limits = true;
    }
  });
}

void Session::malformed_line(std::string line) {
  // A few tell what kind of message this is.
  if (message_ && message_->malformed_lines.size() < 100) {
    message_->malformed_lines.push_back(std::move(line));
  }
}

void Session::end_of_header() {
  if (!receiving() || !evaluated()) return;
  guarded([&] {
    auto& facts = message_->facts;
    facts.author = mail::find_author(message_->header, message_->malformed_lines);
    message_->checks.header_complete(message_->header, facts.author);
  });
}

bool Session::body(std::string_view octets) {
  bool wanted = false;
  if (receiving() && evaluated()) {
    guarded([&] { wanted = message_->checks.body(octets); });
  }
  return wanted;
}

void Session::end_of_message(std::string queue_id, Done done) {
  if (!message_) {
    // MAIL FROM broke before there was anything that could be judged.
    Outcome outcome;
    outcome.facts.id = engine_.next_id();
    judge_failure(outcome, "no message was begun");
    done(outcome);
    return;
  }
  message_->ended = steady_now();
  message_->facts.queue_id = std::move(queue_id);
  message_->done = std::move(done);
  if (message_->failure) {
    finish();
    return;
  }
  guarded([&] {
    if (evaluated()) message_->checks.end_of_body();
    advance();
  });
}

void Session::advance() {
  Message* message = message_ ? message_.get() : early_.get();
  if (message == nullptr) return;
  message->checks.advance();
  if (message->done && (!evaluated() || message->checks.complete())) finish();
}

void Session::abort() {
  if (!message_) return;
  ++engine_.counters().aborted;
  message_.reset();
}

SteadyTime Session::deadline() const {
  return message_ ? message_->checks.deadline() : SteadyTime::max();
}

void Session::expire() {
  if (!message_) return;
  guarded([&] {
    message_->checks.expire();
    if (!message_->done) return;
    if (message_->checks.complete()) {
      finish();
    } else {
      fail("lookups are open after their time");
    }
  });
}

void Session::fail(std::string what) {
  if (!message_) {
    early_.reset();
    return;
  }
  message_->failure = std::move(what);
  if (message_->done) finish();
}

void Session::judge_failure(Outcome& outcome, const std::string& what) {
  auto& decision = outcome.verdict.message;
  decision.action = policy::Action::tempfail;
  decision.rule = "internal";
  decision.reason = "internal error: " + what;
  decision.reply = mail::SmtpReply(451, "4.3.0",
                                   "internal error, try again later (id=" + outcome.facts.id + ")");
  for (const auto& to : outcome.facts.recipients)
    outcome.verdict.recipients.push_back({to, decision});
}

void Session::finish() {
  // The callback may begin the next message: this one must be gone before.
  const auto message = std::move(message_);
  Outcome outcome;
  if (!message->failure) {
    try {
      outcome = conclude(*message);
    } catch (const std::exception& error) {
      message->failure = error.what();
    }
  }
  if (message->failure) {
    ++engine_.counters().internal_errors;
    outcome.facts = std::move(message->facts);
    outcome.verdict = {};
    outcome.hold = false;
    judge_failure(outcome, *message->failure);
  }
  outcome.facts.decided_in =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_now() - message->ended);
  record(outcome);
  message->done(outcome);
}

void Session::record(const Outcome& outcome) {
  engine_.counters().count(outcome.facts, outcome.verdict);
  try {
    engine_.journal().decided(outcome.facts, outcome.verdict);
  } catch (const std::exception&) {
    // A verdict that cannot be recorded is a verdict all the same.
    ++engine_.counters().internal_errors;
  }
}

Outcome Session::conclude(Message& message) {
  auto& facts = message.facts;
  const auto& options = message.snapshot->options;
  auto& counters = engine_.counters();
  ++counters.messages;
  if (facts.exemption != policy::Exemption::none) ++counters.exempt;
  message.checks.report(facts);
  if (facts.exemption == policy::Exemption::none) {
    facts.traces = find_traces(message.header, facts.recipients, options.identity.domains);
    if (facts.author.well_formed()) {
      const auto& author = facts.author.domain();
      facts.traces.author_signature =
          has_author_signature(facts.dkim, author, facts.dmarc.org_domain);
      facts.author_is_ours =
          std::any_of(options.identity.domains.begin(), options.identity.domains.end(),
                      [&](const mail::DomainName& ours) { return author.is_or_is_below(ours); });
    } else {
      facts.dmarc.code = dmarc::Code::permerror;
      facts.dmarc.reason = facts.author.reason;
    }
  }
  Outcome outcome;
  facts.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - message.began);
  facts.deferred_for = engine_.deferrals().deferred_for(facts, steady_now());
  outcome.facts = facts;
  reach_verdict(message, outcome);
  return outcome;
}

void Session::reach_verdict(Message& message, Outcome& outcome) {
  const auto& snapshot = *message.snapshot;
  auto& facts = outcome.facts;
  auto& verdict = outcome.verdict;
  verdict = policy::decide(facts, snapshot.rules);
  const auto action = verdict.message.action;
  if (action == policy::Action::tempfail) engine_.deferrals().deferred(facts, steady_now());

  const std::string name = own_name(snapshot);
  if (facts.exemption == policy::Exemption::none) {
    authres::Inputs inputs;
    inputs.authserv_id = name;
    inputs.decision_id = facts.id;
    if (facts.client.address) inputs.client_address = facts.client.address->text();
    if (facts.iprev.code != client::IprevCode::none) inputs.iprev = &facts.iprev;
    if (facts.client.address) {
      inputs.helo = &facts.spf_helo;
      inputs.mail_from = &facts.spf_mail_from;
    }
    inputs.mail_from_address = facts.mail_from;
    inputs.dkim = &facts.dkim;
    inputs.dmarc = &facts.dmarc;
    inputs.author_malformed = !facts.author.well_formed();
    outcome.authentication_results = authres::write(authres::compose(inputs));
  }
  if (action == policy::Action::reject || action == policy::Action::tempfail) return;

  verdict.edits = message.forged->removals();
  auto inserted = insertions(facts, verdict.message, outcome.authentication_results);
  verdict.edits.insert(verdict.edits.end(), std::make_move_iterator(inserted.begin()),
                       std::make_move_iterator(inserted.end()));
  if (action == policy::Action::quarantine &&
      snapshot.options.quarantine.where == QuarantineWhere::mta) {
    outcome.hold = true;
    outcome.hold_reason =
        verdict.message.rule + ": " + verdict.message.reason + " (id=" + facts.id + ")";
  }
}

}  // namespace sekisho::session
