// The end of a message in a Session: the verdict, what is kept, and what is recorded.
#include <utility>

#include "session/conclusion.h"
#include "session/keep.h"
#include "session/message.h"
#include "session/recipients.h"
#include "session/session.h"

namespace sekisho::session {

namespace {

// The store answers within seconds: two for a locked index, and what a disk takes. After this long
// the message is the sender's again; should it be stored all the same, the store recognises the
// copy that the sender sends later.
constexpr std::chrono::seconds keep_time(60);

}  // namespace

void Session::finish() noexcept {
  outcome_ = judged();
  outcome_->verdict.refused = std::move(message_->refused);
  stage_ = Stage::keeping;
  if (must_be_kept(*outcome_, keeping())) {
    keep();
  } else {
    deliver();
  }
}

Outcome Session::judged() noexcept {
  Outcome outcome;
  outcome.facts = std::move(message_->facts);
  if (!message_->failure) {
    try {
      Conclusion(engine_, connected_, *message_, keeping()).reach(outcome);
      return outcome;
    } catch (const std::exception& error) {
      message_->failure = what_of(error);
    }
  }
  if (!message_->failure->starts_with(deferred_by_store)) ++engine_.counters().internal_errors;
  Outcome failed;
  failed.facts = std::move(outcome.facts);
  if (!until_memory([&] { fail_outcome(failed, *message_->failure); })) {
    fail_without_memory(failed);
  }
  return failed;
}

// The answer waits until the store has made the message durable.
void Session::keep() noexcept {
  keep_until_ = steady_now() + keep_time;
  if (keeping() == nullptr) return kept({HoldCode::failed, "the store is closed"});
  try {
    const bool keeps_accepted = keeping()->keeps_accepted();
    keeping()->keep(
        keep_request(*message_, connected_, *outcome_, keeps_accepted),
        [weak = weak_from_this(), owner = owner_,
         id = outcome_->facts.id](const HoldResult& result) {
          const auto tell = [weak, id, result] {
            const auto self = weak.lock();
            if (self && self->stage_ == Stage::keeping && self->outcome_->facts.id == id) {
              self->kept(result);
            }
          };
          until_memory([&] { owner->post(tell); });
        });
  } catch (const std::exception& error) {
    kept({HoldCode::failed, what_of(error)});
  }
}

void Session::kept(const HoldResult& result) noexcept {
  const bool applied = contained([&] {
    message_->hold_result = result;
    const bool keeps_accepted = keeping() != nullptr && keeping()->keeps_accepted();
    apply(result, message_->snapshot->options.quarantine, keeps_accepted, engine_.counters(),
          *outcome_);
  });
  if (!applied) fail_without_memory(*outcome_);
  deliver();
}

// An outcome counts even if it cannot be recorded.
void Session::deliver() noexcept {
  std::shared_ptr<const Decided> decided;
  if (!contained([&] { decided = record(std::move(*outcome_)); })) {
    ++engine_.counters().internal_errors;
  }
  // The callback may begin the next message: this one must be destroyed before.
  const auto outcome = std::move(outcome_);
  const auto message = std::move(message_);
  const auto done = std::move(done_);
  done_ = nullptr;
  stage_ = Stage::idle;
  contained([&] { done(decided ? decided->outcome : *outcome); });
}

std::shared_ptr<const Decided> Session::record(Outcome&& outcome) {
  return record_decision(engine_, connected_, *message_, std::move(outcome));
}

void Session::abort() noexcept {
  record_aborted();
  asking_.reset();
  done_ = nullptr;
  outcome_.reset();
  message_.reset();
  stage_ = Stage::idle;
}

void Session::record_aborted() noexcept {
  if (!message_) return;
  if (stage_ == Stage::keeping) {
    // The store may have it by now; when the sender tries again, the store recognises the copy.
    ++engine_.counters().aborted;
    contained([this] {
      outcome_->verdict.message.reason += "; the MTA went away before its answer";
      record(std::move(*outcome_));
    });
    return;
  }
  const bool refused = message_->at_refusal.has_value();
  // If all recipients were refused there is no message, and the MTA does not say so.
  if (!refused || !message_->facts.recipients.empty()) ++engine_.counters().aborted;
  if (refused) contained([this] { record(refused_at_rcpt(*message_)); });
}

}  // namespace sekisho::session
