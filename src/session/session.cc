#include "session/session.h"

#include <algorithm>

#include "base/ascii.h"
#include "client/origin.h"
#include "mail/limits.h"
#include "session/message.h"

namespace sekisho::session {

namespace {

// For the store's word on a release: what it has to store a message (conclude.cc), on the same disk
// and index. It should not be less, for a proof that is consumed too late to be told is lost: the
// message comes again, and is evaluated then.
constexpr std::chrono::seconds release_time(60);

bool awaits_store(const std::optional<SaidRelease>& release) {
  return release && release->state == SaidRelease::State::asked;
}

void ask_lists_of_client(DnsListChecks& lists, const policy::Client& client) {
  lists.client(*client.address);
  lists.domain(client::DnsListOn::client_name, client.name);
}

}  // namespace

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
  // On the resolver's thread: hand over to the owner, who may be gone by then.
  const auto notify = [weak = weak_from_this(), owner = owner_] {
    until_memory([&] {
      owner->post([weak] {
        if (const auto self = weak.lock()) self->guarded([&] { self->advance(); });
      });
    });
  };
  auto message = std::make_unique<Message>(engine_.snapshot(), engine_.keys(), now, notify,
                                           recorded_ != nullptr ? &recorded_->inputs : nullptr);
  const auto& snapshot = message->snapshot;
  // What the lists said is part of a record: how they were at the time, nobody can ask again.
  if (!snapshot->client.lists.empty() && recorded_ == nullptr) {
    message->lists.emplace(snapshot, snapshot->client, *snapshot->resolver, snapshot->dns,
                           engine_.list_guard(), notify);
  }
  return message;
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

// Whose mail may have come through us before. A login shows who somebody is, and not that he is one
// of our hosts.
bool Session::trusted() const {
  const auto exemption = message_->facts.exemption;
  return exemption == policy::Exemption::trusted_network ||
         exemption == policy::Exemption::unix_socket;
}

bool Session::evaluated() const { return message_->facts.exemption == policy::Exemption::none; }

std::string Session::own_name(const Snapshot& snapshot) const {
  const auto& identity = snapshot.options.identity;
  if (!identity.authserv_id.empty()) return identity.authserv_id;
  return mta_name_.empty() ? identity.hostname : mta_name_;
}

// What our MTA may complete a bare name with.
std::vector<std::string> Session::own_domains(const Snapshot& snapshot) const {
  std::vector<std::string> out;
  for (const auto& domain : snapshot.options.identity.domains) out.push_back(domain.text());
  for (const std::string& host : {mta_name_, snapshot.options.identity.hostname}) {
    // "mx.example.jp" and "example.jp": no top-level domain is ours.
    std::string name = ascii::lower(host);
    while (name.find('.') != std::string::npos) {
      out.push_back(name);
      name.erase(0, name.find('.') + 1);
    }
  }
  return out;
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
    if (early_->lists) ask_lists_of_client(*early_->lists, client_);
  });
}

void Session::helo(std::string name) {
  client_.helo = std::move(name);
  if (!early_ || !client_.address) return;
  guarded([&] {
    early_->checks.helo(*client_.address, client_.helo, own_name(*early_->snapshot));
    if (early_->lists) early_->lists->domain(client::DnsListOn::helo, client_.helo);
  });
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
  if (recorded_ != nullptr) {
    const auto& then = recorded_->outcome.facts;
    facts.header_over_limits = then.header_over_limits;
    facts.refused_recipients = then.refused_recipients;
    message_->refused = recorded_->outcome.verdict.refused;
    facts.lists = then.lists;
    std::erase_if(facts.lists, [&](const client::DnsListResult& result) {
      return message_->snapshot->rules.defaults.lists.find(result.name) == nullptr;
    });
  }
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
  if (trusted()) message_->forged->keep_values();
  if (!evaluated()) return;
  const bool may_hold = role_ != policy::Role::local && engine_.quarantine() != nullptr &&
                        snapshot.options.quarantine.where == QuarantineWhere::store;
  if (may_hold) {
    // Only a clock that was set back can bring an id twice.
    while (recorded_ == nullptr && engine_.quarantine()->has(facts.id))
      facts.id = engine_.next_id();
    message_->draft = engine_.quarantine()->begin();
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
    // A client that said no HELO is one without a name.
    if (!checks.knows_helo()) checks.helo(*facts.client.address, facts.client.helo, name);
  } else {
    checks.client(*facts.client.address);
    checks.helo(*facts.client.address, facts.client.helo, name);
  }
  checks.mail_from(*facts.client.address, facts.client.helo, facts.mail_from, name);
  if (!message.lists) return;
  auto& lists = *message.lists;
  if (begun) {
    lists.restart();
  } else {
    ask_lists_of_client(lists, facts.client);
    lists.domain(client::DnsListOn::helo, facts.client.helo);
  }
  const auto at = facts.mail_from.rfind('@');
  if (at != std::string::npos) {
    lists.domain(client::DnsListOn::sender, std::string_view(facts.mail_from).substr(at + 1));
  }
}

void Session::keep(std::string_view octets) {
  if (message_->draft) message_->draft->append(octets);
}

void Session::header(std::string name, std::string value) {
  if (!receiving()) return;
  guarded([&] {
    mail::HeaderField field{std::move(name), std::move(value)};
    message_->forged->see(field);
    if (message_->forged->too_many()) return fail("more fields claim to be ours than are removed");
    if (message_->draft) keep(field.name + ":" + field.value + "\r\n");
    see_release(field);
    if (evaluated()) message_->checks.header_field(field);
    if (message_->header.add(std::move(field)) != mail::Header::Added::yes) {
      message_->facts.header_over_limits = true;
    }
  });
}

// The header that a release must prove is kept beside ours, which has limits of its own.
void Session::see_release(const mail::HeaderField& field) {
  if (!field.is(release_field) && !message_->release) return;
  const auto append = [](std::string& header, const mail::HeaderField& one) {
    if (header.size() > 2 * mail::limits::header_block_octets) return;
    header.append(one.name).append(":").append(one.value).append("\r\n");
  };
  if (!message_->release) {
    const std::string said = field.unfolded();
    auto& proof = message_->release.emplace().proof;
    if (!message_->body_digest) message_->body_digest.emplace();
    proof.id = said.substr(0, said.find(' '));
    proof.token = said.substr(std::min(said.size(), proof.id.size() + 1));
    for (const auto& before : message_->header.fields()) append(proof.header, before);
  }
  append(message_->release->proof.header, field);
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
    // A client that waits with his header must not have used up the time in which his author is
    // looked up.
    if (message_->lists) message_->lists->restart();
    if (facts.relay) find_origin(*message_);
    if (blanks_lost_) message_->checks.blanks_lost();
    read_header(*message_);
    if (!message_->lists) return;
    if (facts.author.well_formed()) {
      message_->lists->domain(client::DnsListOn::from, facts.author.domain().text());
    }
    for (const auto& domain : message_->checks.signing_domains()) {
      message_->lists->domain(client::DnsListOn::dkim, domain.text());
    }
  });
}

void Session::read_header(Message& message) {
  auto& facts = message.facts;
  if (recorded_in_part()) {
    facts.author = recorded_->outcome.facts.author;
    message.checks.signatures_known(recorded_->outcome.facts.dkim);
  } else {
    facts.author = mail::find_author(message.header, message.malformed_lines, client_.mta);
  }
  message.checks.header_complete(message.header, facts.author, mail::rewrites_author(client_.mta));
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
  message_->ended = steady_now();
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
  if (recorded_in_part()) {
    facts.client = recorded_->outcome.facts.client;
    facts.relay_reason = recorded_->outcome.facts.relay_reason;
    return evaluate_client(message, /*begun=*/false);
  }
  const auto origin = client::find_origin(*facts.relay->address, message.header.fields(),
                                          message.snapshot->options.trust.relays);
  facts.relay_reason = std::string(to_string(origin.stop));
  if (!origin.reason.empty()) facts.relay_reason += ": " + origin.reason;
  if (origin.received) message.checks.received(*origin.received);
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
  using State = SaidRelease::State;
  if (engine_.quarantine() == nullptr) {
    release.state = State::answered;
    return;
  }
  release.state = State::asked;
  release.until = steady_now() + release_time;
  release.proof.body_sha256 = std::string(message.body_digest->so_far().view());
  release.proof.mail_from = message.facts.mail_from;
  release.proof.recipients = message.facts.recipients;
  release.proof.own_domains = own_domains(*message.snapshot);
  release.proof.from_this_host = role_ == policy::Role::local ||
                                 message.facts.exemption != policy::Exemption::none ||
                                 (client_.address && mail::is_loopback(*client_.address));
  engine_.quarantine()->take_back(
      std::move(release.proof),
      [weak = weak_from_this(), owner = owner_, id = message.facts.id](TakenBack taken) {
        // Shared and not copied: a copy of an error allocates where nothing may be thrown.
        until_memory([&] {
          const auto kept = std::make_shared<const TakenBack>(std::move(taken));
          until_memory([&] {
            owner->post([weak, id, kept] {
              const auto self = weak.lock();
              if (!self || !self->message_ || self->message_->facts.id != id) return;
              self->guarded([&] { self->taken_back(*kept); });
            });
          });
        });
      });
}

void Session::taken_back(const TakenBack& taken) {
  message_->release->state = SaidRelease::State::answered;
  if (!taken) return fail(std::string(put_off) + taken.error());
  if (*taken) {
    auto& facts = message_->facts;
    facts.exemption = policy::Exemption::released;
    facts.released_id = (*taken)->id;
    message_->release->results = (*taken)->authentication_results;
  }
  advance();
}

// Everything that the verdict waits for has been answered, or has had its time.
bool Session::settled(const Message& message, SteadyTime now) const {
  if (awaits_store(message.release)) return false;
  if (!evaluated()) return true;
  return message.checks.complete() && (!message.lists || message.lists->decided(now));
}

void Session::advance() {
  Message* message = message_ ? message_.get() : early_.get();
  if (message == nullptr) return;
  const auto now = steady_now();
  message->checks.advance();
  if (message->lists) message->lists->advance(now);
  if (message->asking) return advance_recipient(*message, now);
  if (message->done && settled(*message, now)) finish();
}

void Session::abort() noexcept {
  if (storing_) {
    // The store may have it by now, and the sender will try again: the store knows him then.
    ++engine_.counters().aborted;
    contained([this] {
      auto& reason = storing_->outcome.verdict.message.reason;
      reason += "; the MTA went away before its answer";
      record(*storing_->message, std::move(storing_->outcome));
    });
    storing_.reset();
  }
  if (!message_) return;
  const bool refused = message_->at_refusal.has_value();
  if (refused) contained([this] { record_refused(*message_); });
  // An MTA whose recipients were all refused has no message, and does not say so.
  if (!refused || !message_->facts.recipients.empty()) ++engine_.counters().aborted;
  message_.reset();
}

SteadyTime Session::deadline() const {
  if (storing_) return storing_->deadline;
  if (!message_) return SteadyTime::max();
  // The lookups of a message that awaits the store's word have their own end, which is not this
  // one.
  const auto now = steady_now();
  const bool store_alone = awaits_store(message_->release) && now >= message_->checks.deadline();
  auto first = store_alone ? SteadyTime::max() : message_->checks.deadline();
  if (awaits_store(message_->release)) first = std::min(first, message_->release->until);
  if (message_->lists) first = std::min(first, message_->lists->deadline());
  if (message_->asking) first = std::min(first, message_->asking->until);
  return first;
}

void Session::expire() {
  if (storing_) return held({HoldCode::failed, "the store did not answer"});
  if (!message_) return;
  guarded([&] {
    const auto now = steady_now();
    const bool early = now < deadline();
    if (message_->lists) message_->lists->expire(now);
    if (message_->asking) return advance_recipient(*message_, now);
    // A list may only have had its own time; whoever calls before any time is over has none to
    // give.
    if (!message_->lists || now >= message_->checks.deadline() || early) {
      message_->checks.expire();
    }
    if (!message_->done) return;
    if (settled(*message_, now)) {
      finish();
    } else if (awaits_store(message_->release)) {
      if (early || now >= message_->release->until) fail("quarantine: the store did not answer");
    } else if (now >= message_->checks.deadline()) {
      fail("lookups are open after their time");
    }
  });
}

std::vector<dns::Question> Session::needed() const {
  return message_ ? message_->checks.needed() : std::vector<dns::Question>();
}

void Session::fail(std::string what) noexcept {
  if (!message_) {
    early_.reset();
    return;
  }
  message_->failure = std::move(what);
  if (message_->asking) answer_recipient(*message_, std::nullopt);
  if (message_->done) finish();
}

}  // namespace sekisho::session
