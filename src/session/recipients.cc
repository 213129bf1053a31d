#include <utility>

#include "policy/at_rcpt.h"
#include "session/message.h"

namespace sekisho::session {

bool Session::refuses_recipients() const {
  return role_ != policy::Role::local && policy::may_refuse_recipients(engine_.snapshot()->rules);
}

void Session::rcpt_to(Recipient recipient, StepDone done) {
  if (!message_) {
    if (done) done({});
    return;
  }
  const bool may_refuse = done && receiving() && evaluated() && !message_->facts.relay &&
                          policy::may_refuse_recipients(message_->snapshot->rules);
  const auto wait = message_->snapshot->rules.for_recipient(recipient.address).lists.rcpt_wait;
  message_->asking.emplace(
      Message::Asking{std::move(recipient), std::move(done), steady_now() + wait});
  if (!may_refuse) return answer_recipient(*message_, std::nullopt);
  guarded([&] { advance(); });
}

// Refuses when that is certain, and lets pass when nothing more can refuse, or the time is over:
// what answers later still counts at the dot.
void Session::advance_recipient(Message& message, SteadyTime now) {
  // Nearly always, and for each recipient of all mail.
  const bool nobody_refuses = message.lists && message.lists->decided(now) &&
                              !message.lists->any_listed() &&
                              !policy::may_deny_recipients(message.snapshot->rules);
  if (nobody_refuses) return answer_recipient(message, std::nullopt);

  auto& facts = message.facts;
  message.checks.report(facts);
  if (message.lists) facts.lists = message.lists->results();
  facts.deferred_for = engine_.deferrals().deferred_for(facts, now);
  auto opinion = policy::judge_recipient(facts, message.snapshot->rules,
                                         message.asking->recipient.address, known_so_far(message));
  const bool over = now >= message.asking->until;
  if (opinion.refusal) {
    // The list's own words are worth half a second; the denylist has none.
    const bool waits = message.lists && message.lists->awaits_reason(now);
    if (!over && waits && opinion.refusal->rule != "denylist") return;
    return answer_recipient(message, std::move(opinion.refusal));
  }
  const bool decided = !message.lists || message.lists->decided(now);
  if (over || (decided && !opinion.undecided)) {
    answer_recipient(message, std::nullopt);
  }
}

policy::KnownSoFar Session::known_so_far(const Message& message) {
  return {message.checks.iprev().has_value(), message.checks.spf_mail_from().has_value()};
}

// RCPT is answered in any case: a recipient of whom nothing could be noted makes the message a 4xx.
void Session::answer_recipient(Message& message, std::optional<policy::Decision> refusal) noexcept {
  auto asking = std::move(*message.asking);
  message.asking.reset();
  Step step;
  try {
    step = note_recipient(message, std::move(asking.recipient), std::move(refusal));
  } catch (const std::exception& error) {
    message.failure = what_of(error);
  }
  if (asking.done) asking.done(step);
}

Step Session::note_recipient(Message& message, Recipient recipient,
                             std::optional<policy::Decision> refusal) {
  auto& facts = message.facts;
  Step step;
  if (refusal) {
    step.refusal = refusal->reply;
    facts.refused_recipients.push_back(recipient.address);
    if (!message.at_refusal) {
      message.at_refusal = facts;
      policy::match_at_rcpt(*message.at_refusal, message.snapshot->rules, known_so_far(message));
    }
    message.at_refusal->refused_recipients = facts.refused_recipients;
    if (refusal->action == policy::Action::tempfail) {
      engine_.deferrals().deferred(facts, steady_now(), engine_.now());
    }
    message.refused.push_back({std::move(recipient.address), std::move(*refusal)});
    ++engine_.counters().refused_recipients;
  } else {
    facts.recipients.push_back(recipient.address);
    message.envelope.push_back(std::move(recipient));
  }
  return step;
}

// The transaction has ended before the dot: what was refused is a decision of its own.
void Session::record_refused(Message& message) {
  Outcome outcome;
  outcome.facts = std::move(*message.at_refusal);
  outcome.facts.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - message.began);
  outcome.verdict = policy::decide_at_rcpt(outcome.facts, message.snapshot->rules);
  record(message, std::move(outcome));
}

}  // namespace sekisho::session
