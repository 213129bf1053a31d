#include "session/session.h"

#include <algorithm>
#include <utility>

#include "policy/at_rcpt.h"
#include "session/conclusion.h"
#include "session/intake.h"
#include "session/message.h"
#include "session/recipients.h"

namespace sekisho::session {

namespace {

// As long as for the store's answer about a message. Not shorter: if the store consumes the proof
// after we gave up waiting, the proof is spent, and the message is judged like any other when it
// comes back.
constexpr std::chrono::seconds release_time(60);

}  // namespace

std::shared_ptr<Session> Session::create(Engine& engine, policy::Role role,
                                         std::shared_ptr<Executor> owner, Keeping* keeping) {
  return std::shared_ptr<Session>(
      new Session(engine, {.role = role}, std::move(owner), keeping, nullptr));
}

std::shared_ptr<Session> Session::replay(Engine& engine, std::shared_ptr<Executor> owner,
                                         const Decided& recorded) {
  return std::shared_ptr<Session>(new Session(engine, {.role = recorded.outcome.facts.role},
                                              std::move(owner), nullptr, &recorded));
}

Session::Session(Engine& engine, Connected connected, std::shared_ptr<Executor> owner,
                 Keeping* keeping, const Decided* recorded)
    : engine_(engine),
      connected_(std::move(connected)),
      owner_(std::move(owner)),
      keeping_(keeping),
      recorded_(recorded) {}

Session::~Session() { abort(); }

bool Session::enters(Event event) {
  const auto next = after(stage_, event);
  // Without a message nothing can fail, and a judged message can no longer fail.
  if (!next && message_) {
    fail(std::string(name_of(event)) + " came out of order");
  }
  if (next) stage_ = *next;
  return next.has_value();
}

// After a failure the rest of the message is not looked at.
bool Session::failed() const { return message_->failure.has_value(); }

std::unique_ptr<Message> Session::new_message(WallTime now) {
  // On the resolver's thread: hand over to the owner, which may be gone by then.
  const auto notify = [weak = weak_from_this(), owner = owner_] {
    until_memory([&] {
      owner->post([weak] {
        if (const auto self = weak.lock()) self->guarded([&] { self->advance(); });
      });
    });
  };
  auto message =
      std::make_unique<Message>(engine_.snapshot(), engine_.keys(), now, notify, recorded_);
  const auto& snapshot = message->snapshot;
  // A replay takes the results of the lists from the record.
  if (!snapshot->client.lists.empty() && recorded_ == nullptr) {
    message->lists.emplace(snapshot, snapshot->client, *snapshot->resolver, snapshot->dns,
                           engine_.list_guard(), notify);
  }
  return message;
}

// --- the envelope --------------------------------------------------------------------------------

void Session::connect(policy::Client client, std::string mta_name) {
  connected_.client = std::move(client);
  connected_.mta_name = std::move(mta_name);
  const auto snapshot = engine_.snapshot();
  // Where clients log in, nothing is looked up before MAIL FROM shows that this one did not.
  const bool evaluated = connected_.role == policy::Role::mx &&
                         connected_.exemption(*snapshot, false) == policy::Exemption::none;
  const auto& address = connected_.client.address;
  if (!evaluated || !address || connected_.behind_relay(*snapshot)) return;
  guarded([&] {
    early_ = new_message(engine_.now());
    ask_of_client(*early_, connected_.client);
  });
}

// Only one name is under way: a client that greets with a hundred of them has the questions of the
// last one, and its message keeps the room that the others would have taken.
void Session::helo(std::string name) {
  const bool same = connected_.client.helo == name;
  connected_.client.helo = std::move(name);
  if (!early_ || !connected_.client.address) return;
  guarded([&] {
    if (early_->checks.knows_helo()) {
      if (same) return;
      early_.reset();
      early_ = new_message(engine_.now());
      ask_of_client(*early_, connected_.client);
    }
    ask_of_helo(*early_, connected_);
  });
}

void Session::mail_from(MailFrom from) {
  if (stage_ != Stage::idle) abort();  // a front that forgot to say so
  enters(Event::mail_from);
  guarded([&] { begin(std::move(from)); });
  early_.reset();
  if (!message_) stage_ = Stage::idle;
}

void Session::begin(MailFrom from) {
  // The first message takes over what began before it, unless it needs none of it, there is a new
  // configuration since, or the client took so long that lookups may have failed for want of time.
  const auto current = engine_.snapshot();
  const auto exempted = connected_.exemption(*current, from.authenticated);
  const bool begun = early_ && exempted == policy::Exemption::none && early_->snapshot == current &&
                     steady_now() - early_->began < early_->snapshot->dns.message_budget;
  const auto now = engine_.now();
  message_ = begun ? std::move(early_) : new_message(now);
  auto id = recorded_ != nullptr ? recorded_->outcome.facts.id : engine_.next_id();
  start_message(*message_, connected_, std::move(from), exempted, std::move(id), now);
  if (!message_->evaluated() && !(keeping() != nullptr && keeping()->keeps_accepted())) return;
  begin_draft();
  if (!message_->evaluated()) return;
  if (connected_.behind_relay(*message_->snapshot)) {
    message_->facts.relay = connected_.client;
    message_->checks.restart(message_->facts.received);
    return;
  }
  evaluate_client(*message_, connected_, begun);
}

// Where the message may have to be kept, its octets are written down as they arrive.
void Session::begin_draft() {
  const bool may_hold = connected_.role != policy::Role::local &&
                        message_->snapshot->options.quarantine.where == QuarantineWhere::store;
  if (keeping() == nullptr || (!may_hold && !keeping()->keeps_accepted())) return;
  auto& id = message_->facts.id;
  // Only a clock that was set back can produce an id twice.
  while (recorded_ == nullptr && keeping()->has(id)) id = engine_.next_id();
  message_->draft = keeping()->begin();
  message_->body_digest.emplace();
}

bool Session::refuses_recipients() const {
  return connected_.role != policy::Role::local &&
         policy::may_refuse_recipients(engine_.snapshot()->rules);
}

void Session::begin_asking(Recipient recipient, StepDone done, bool only_asked) {
  if (!enters(Event::rcpt_to)) {
    if (done) done({});
    return;
  }
  const auto& rules = message_->snapshot->rules;
  const bool may_refuse = done && !failed() && message_->evaluated() && !message_->facts.relay &&
                          policy::may_refuse_recipients(rules);
  const auto wait = rules.for_recipient(recipient.path).lists.rcpt_wait;
  asking_.emplace(Asking{std::move(recipient), std::move(done), steady_now() + wait, only_asked});
  if (!may_refuse) return answer_recipient(std::nullopt);
  guarded([&] { advance(); });
}

void Session::advance_recipient(SteadyTime now) {
  auto answer =
      answer_rcpt(*message_, engine_.deferrals(), asking_->recipient, asking_->until, now);
  if (answer) answer_recipient(std::move(answer->refusal));
}

// RCPT is always answered: if the recipient could not be noted, the message gets a 4xx.
void Session::answer_recipient(std::optional<policy::Decision> refusal) noexcept {
  auto asking = std::move(*asking_);
  asking_.reset();
  stage_ = Stage::envelope;
  Step step;
  try {
    if (refusal || !asking.only_asked) {
      step.refusal =
          note_recipient(*message_, engine_, std::move(asking.recipient), std::move(refusal));
    }
  } catch (const std::exception& error) {
    message_->failure = what_of(error);
  }
  if (asking.done) asking.done(step);
}

// --- the message ---------------------------------------------------------------------------------

void Session::header(std::string name, std::string value) {
  if (!enters(Event::header) || failed()) return;
  guarded([&] {
    auto& message = *message_;
    mail::HeaderField field{std::move(name), std::move(value)};
    message.forged->see(field);
    if (message.forged->too_many()) return fail("more fields claim to be ours than are removed");
    if (message.draft) message.draft->append(field.name + ":" + field.value + "\r\n");
    if (message.release) {
      message.release->append(field);
    } else if (field.is(release_field)) {
      message.release.emplace(field, message.header);
      if (!message.body_digest) message.body_digest.emplace();
    }
    if (message.evaluated()) message.checks.header_field(field);
    if (message.header.add(std::move(field)) != mail::Header::Added::yes) {
      message.facts.header_over_limits = true;
    }
  });
}

void Session::malformed_line(std::string line) {
  if (!message_ || failed()) return;
  guarded([&] {
    if (message_->draft) message_->draft->append(line + "\r\n");
    // A few are enough to characterise the message.
    if (message_->malformed_lines.size() < 100)
      message_->malformed_lines.push_back(std::move(line));
  });
}

void Session::end_of_header() {
  if (!enters(Event::end_of_header) || failed()) return;
  guarded([&] {
    auto& message = *message_;
    if (message.draft) message.draft->append("\r\n");
    if (message.evaluated()) evaluate_header(message, connected_);
  });
}

bool Session::body(std::string_view octets) {
  bool wanted = false;
  if (!enters(Event::body) || failed()) return wanted;
  guarded([&] {
    auto& message = *message_;
    if (message.body_digest) message.body_digest->update(octets);
    wanted = message.body_digest.has_value();
    if (message.draft) message.draft->append(octets);
    if (message.evaluated()) wanted |= message.checks.body(octets);
  });
  return wanted;
}

void Session::end_of_message(std::string queue_id, Done done) {
  if (!message_) {
    // MAIL FROM failed before there was a message to judge.
    Outcome outcome;
    outcome.facts.id = engine_.next_id();
    fail_outcome(outcome, "no message was begun");
    done(outcome);
    return;
  }
  if (stage_ == Stage::keeping) return;
  done_ = std::move(done);
  message_->ended = steady_now();
  message_->facts.queue_id = std::move(queue_id);
  if (!enters(Event::end_of_message)) return;  // which has failed the message, and finished it
  if (failed()) return finish();
  guarded([&] {
    if (message_->evaluated()) message_->checks.end_of_body();
    if (message_->release) ask_release();
    advance();
  });
}

// --- what is awaited -----------------------------------------------------------------------------

// Asks the store whether it has just released this message.
void Session::ask_release() {
  auto& release = *message_->release;
  if (keeping() == nullptr) {
    release.state = SaidRelease::State::answered;
    return;
  }
  release.state = SaidRelease::State::asked;
  release.until = steady_now() + release_time;
  keeping()->take_back(
      release_proof(*message_, connected_),
      [weak = weak_from_this(), owner = owner_, id = message_->facts.id](TakenBack taken) {
        // Shared and not copied: a copy of an error allocates where nothing may be thrown.
        until_memory([&] {
          const auto answer = std::make_shared<const TakenBack>(std::move(taken));
          until_memory([&] {
            owner->post([weak, id, answer] {
              const auto self = weak.lock();
              if (!self || self->stage_ != Stage::deciding || self->message_->facts.id != id) {
                return;
              }
              self->guarded([&] { self->taken_back(*answer); });
            });
          });
        });
      });
}

void Session::taken_back(const TakenBack& taken) {
  auto& release = *message_->release;
  release.state = SaidRelease::State::answered;
  if (!taken) return fail(std::string(deferred_by_store) + taken.error());
  if (*taken) {
    auto& facts = message_->facts;
    facts.exemption = policy::Exemption::released;
    facts.released_id = (*taken)->id;
    release.results = (*taken)->authentication_results;
  }
  advance();
}

// Everything that the verdict waits for has been answered, or has timed out.
bool Session::settled(SteadyTime now) const {
  const auto& message = *message_;
  if (message.release && message.release->awaits_store()) return false;
  if (!message.evaluated()) return true;
  return message.checks.complete() && (!message.lists || message.lists->decided(now));
}

void Session::advance() {
  if (stage_ == Stage::keeping) return;
  Message* message = message_ ? message_.get() : early_.get();
  if (message == nullptr) return;
  const auto now = steady_now();
  message->checks.advance();
  if (message->lists) message->lists->advance(now);
  if (stage_ == Stage::asking) return advance_recipient(now);
  if (stage_ == Stage::deciding && settled(now)) finish();
}

SteadyTime Session::deadline() const {
  if (stage_ == Stage::keeping) return keep_until_;
  if (stage_ == Stage::idle) return SteadyTime::max();
  const auto& message = *message_;
  auto first = message.checks.deadline();
  if (message.release && message.release->awaits_store()) {
    // The lookups may have ended earlier: then their deadline does not count.
    if (steady_now() >= first) first = SteadyTime::max();
    first = std::min(first, message.release->until);
  }
  if (message.lists) first = std::min(first, message.lists->deadline());
  if (stage_ == Stage::asking) first = std::min(first, asking_->until);
  return first;
}

void Session::expire() {
  if (stage_ == Stage::keeping) return kept({HoldCode::failed, "the store did not answer"});
  if (stage_ == Stage::idle) return;
  guarded([&] {
    auto& message = *message_;
    const auto now = steady_now();
    const bool early = now < deadline();
    if (message.lists) message.lists->expire(now);
    if (stage_ == Stage::asking) return advance_recipient(now);
    // Perhaps only the time of the lists is over; a front that calls early ends everything.
    if (!message.lists || now >= message.checks.deadline() || early) message.checks.expire();
    if (stage_ != Stage::deciding) return;
    if (settled(now)) {
      finish();
    } else if (message.release && message.release->awaits_store()) {
      if (early || now >= message.release->until) fail("quarantine: the store did not answer");
    } else if (now >= message.checks.deadline()) {
      fail("lookups are open after their time");
    }
  });
}

std::string Session::id() const {
  if (outcome_) return outcome_->facts.id;
  return message_ ? message_->facts.id : std::string();
}

std::vector<dns::Question> Session::needed() const {
  const bool waits = message_ && stage_ != Stage::keeping;
  return waits ? message_->checks.needed() : std::vector<dns::Question>();
}

void Session::fail(std::string what) noexcept {
  if (!message_) {
    early_.reset();
    return;
  }
  if (stage_ == Stage::keeping) return;  // a judged message can no longer fail
  message_->failure = std::move(what);
  if (asking_) answer_recipient(std::nullopt);
  if (done_) finish();
}

}  // namespace sekisho::session
