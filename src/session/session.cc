#include "session/session.h"

#include <algorithm>

#include "client/origin.h"
#include "session/message.h"

namespace sekisho::session {

std::shared_ptr<Session> Session::create(Engine& engine, policy::Role role,
                                         std::shared_ptr<Executor> owner) {
  return std::shared_ptr<Session>(new Session(engine, role, std::move(owner)));
}

std::shared_ptr<Session> Session::replay(Engine& engine, std::shared_ptr<Executor> owner,
                                         const Decided& recorded) {
  return std::shared_ptr<Session>(
      new Session(engine, recorded.outcome.facts.role, std::move(owner), &recorded));
}

Session::Session(Engine& engine, policy::Role role, std::shared_ptr<Executor> owner,
                 const Decided* recorded)
    : engine_(engine), role_(role), owner_(std::move(owner)), recorded_(recorded) {}

Session::~Session() { abort(); }

std::unique_ptr<Session::Message> Session::new_message(WallTime now) {
  return std::make_unique<Message>(
      engine_.snapshot(), engine_.keys(), now,
      // On the resolver's thread: hand over to the owner, who may be gone by then.
      [weak = weak_from_this(), owner = owner_] {
        owner->post([weak] {
          if (const auto self = weak.lock()) self->guarded([&] { self->advance(); });
        });
      },
      recorded_ != nullptr ? &recorded_->inputs : nullptr);
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

// Handed over by a relay of ours: who the client was stands in its Received field.
bool Session::behind_relay(const Snapshot& snapshot) const {
  const auto& relays = snapshot.options.trust.relays;
  return client_.address && std::any_of(relays.begin(), relays.end(), [&](const auto& network) {
           return network.contains(*client_.address);
         });
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
  if (!client_.address || behind_relay(*engine_.snapshot())) return;
  guarded([&] {
    early_ = new_message(engine_.now());
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
  const auto now = engine_.now();
  message_ = begun ? std::move(early_) : new_message(now);
  message_->began = steady_now();
  message_->authenticated = from.authenticated;
  message_->mail_parameters = std::move(from.parameters);
  auto& facts = message_->facts;
  facts.id = recorded_ != nullptr ? recorded_->outcome.facts.id : engine_.next_id();
  facts.received = now;
  facts.header_over_limits = recorded_ != nullptr && recorded_->outcome.facts.header_over_limits;
  facts.role = role_;
  facts.client = client_;
  facts.mail_from = std::move(from.address);
  facts.exemption = exempted;
  const auto& snapshot = *message_->snapshot;
  // What our own relay says of a message stays; nobody but us speaks in our own name.
  using Aliases = std::vector<std::string>;
  message_->forged.emplace(own_name(snapshot), behind_relay(snapshot)
                                                   ? Aliases()
                                                   : snapshot.options.identity.authserv_aliases);
  if (!evaluated()) return;
  const bool may_hold = role_ != policy::Role::local && engine_.holding() != nullptr &&
                        snapshot.options.quarantine.where == QuarantineWhere::store;
  if (may_hold) {
    message_->draft = engine_.holding()->begin();
    message_->body_digest.emplace();
  }
  if (behind_relay(snapshot)) {
    facts.relay = client_;
    message_->checks.restart(facts.received);
    return;
  }
  evaluate_client(*message_, begun);
}

// What can be looked up of the client and the envelope.
void Session::evaluate_client(Message& message, bool begun) {
  const auto& facts = message.facts;
  if (!facts.client.address) return;
  const std::string name = own_name(*message.snapshot);
  auto& checks = message.checks;
  if (begun) {
    checks.restart(facts.received);
  } else {
    checks.client(*facts.client.address);
    checks.helo(*facts.client.address, facts.client.helo, name);
  }
  checks.mail_from(*facts.client.address, facts.client.helo, facts.mail_from, name);
}

bool Session::refuses_recipients() const { return false; }

void Session::rcpt_to(Recipient recipient, StepDone done) {
  if (message_) {
    message_->facts.recipients.push_back(recipient.address);
    message_->envelope.push_back(std::move(recipient));
  }
  if (done) done({});
}

void Session::keep(std::string_view octets) {
  if (message_->draft) message_->draft->append(octets);
}

void Session::header(std::string name, std::string value) {
  if (!receiving()) return;
  guarded([&] {
    mail::HeaderField field{std::move(name), std::move(value)};
    message_->forged->see(field);
    if (message_->draft) keep(field.name + ":" + field.value + "\r\n");
    if (field.is(release_field) && !message_->release) {
      const std::string said = field.unfolded();
      auto& proof = message_->release.emplace().proof;
      if (!message_->body_digest) message_->body_digest.emplace();
      proof.id = said.substr(0, said.find(' '));
      proof.token = said.substr(std::min(said.size(), proof.id.size() + 1));
    }
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
    if (facts.header_over_limits) message_->header.mark_truncated();
    keep("\r\n");
    if (facts.relay) find_origin(*message_);
    facts.author = mail::find_author(message_->header, message_->malformed_lines);
    message_->checks.header_complete(message_->header, facts.author);
  });
}

bool Session::body(std::string_view octets) {
  bool wanted = false;
  if (!receiving()) return wanted;
  guarded([&] {
    if (message_->body_digest) message_->body_digest->update(octets);
    wanted = message_->body_digest.has_value();
    if (!evaluated()) return;
    keep(octets);
    wanted |= message_->checks.body(octets);
  });
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
  message_->facts.queue_id = std::move(queue_id);
  message_->done = std::move(done);
  if (message_->failure) {
    finish();
    return;
  }
  guarded([&] {
    if (evaluated()) message_->checks.end_of_body();
    if (message_->release) ask_release(*message_);
    advance();
  });
}

// Behind a relay of ours: who was there before, from the fields that our relays wrote.
void Session::find_origin(Message& message) {
  auto& facts = message.facts;
  const auto origin = client::find_origin(*facts.relay->address, message.header.fields(),
                                          message.snapshot->options.trust.relays);
  facts.relay_reason = std::string(to_string(origin.stop));
  if (!origin.reason.empty()) facts.relay_reason += ": " + origin.reason;
  facts.client = {};
  if (const auto* address = origin.judged()) {
    facts.client.address = *address;
    facts.client.name = origin.name;
    facts.client.helo = origin.helo;
  }
  evaluate_client(message, /*begun=*/false);
}

// The store says whether the message is one that it has just let go.
void Session::ask_release(Message& message) {
  auto& release = *message.release;
  using State = Message::Release::State;
  if (engine_.holding() == nullptr) {
    release.state = State::answered;
    return;
  }
  release.state = State::asked;
  release.proof.body_sha256 = std::string(message.body_digest->so_far().view());
  release.proof.recipients = message.facts.recipients;
  engine_.holding()->take_back(
      std::move(release.proof), [weak = weak_from_this(), owner = owner_,
                                 id = message.facts.id](std::optional<std::string> results) {
        owner->post([weak, id, results = std::move(results)] {
          const auto self = weak.lock();
          if (!self || !self->message_ || self->message_->facts.id != id) return;
          self->guarded([&] {
            self->message_->release->state = State::answered;
            self->message_->release->results = results;
            if (results) self->message_->facts.exemption = policy::Exemption::released;
            self->advance();
          });
        });
      });
}

void Session::advance() {
  Message* message = message_ ? message_.get() : early_.get();
  if (message == nullptr) return;
  message->checks.advance();
  if (!message->done) return;
  if (message->release && message->release->state == Message::Release::State::asked) return;
  if (!evaluated() || message->checks.complete()) finish();
}

void Session::abort() {
  if (storing_) {
    // The store may have it by now, and the sender will try again: the store knows him then.
    auto& reason = storing_->outcome.verdict.message.reason;
    reason += "; the MTA went away before its answer";
    ++engine_.counters().aborted;
    record(*storing_->message, std::move(storing_->outcome));
    storing_.reset();
  }
  if (!message_) return;
  ++engine_.counters().aborted;
  message_.reset();
}

SteadyTime Session::deadline() const {
  if (storing_) return storing_->deadline;
  return message_ ? message_->checks.deadline() : SteadyTime::max();
}

void Session::expire() {
  if (storing_) return held({HoldCode::failed, "the store did not answer"});
  if (!message_) return;
  guarded([&] {
    message_->checks.expire();
    if (!message_->done) return;
    if (!evaluated() || message_->checks.complete()) {
      finish();
    } else {
      fail("lookups are open after their time");
    }
  });
}

std::vector<dns::Question> Session::needed() const {
  return message_ ? message_->checks.needed() : std::vector<dns::Question>();
}

void Session::fail(std::string what) {
  if (!message_) {
    early_.reset();
    return;
  }
  message_->failure = std::move(what);
  if (message_->done) finish();
}

}  // namespace sekisho::session
