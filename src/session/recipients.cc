#include "session/recipients.h"

#include <utility>

#include "policy/at_rcpt.h"
#include "policy/rule_names.h"

namespace sekisho::session {

namespace {

policy::KnownSoFar known_so_far(const Message& message) {
  return {message.checks.iprev().has_value(), message.checks.spf_mail_from().has_value()};
}

}  // namespace

std::optional<RcptAnswer> answer_rcpt(Message& message, const Deferrals& deferrals,
                                      const Recipient& recipient, SteadyTime until,
                                      SteadyTime now) {
  const RcptAnswer accepted;
  // The fast path: it is taken for nearly every recipient.
  const bool nobody_refuses = message.lists && message.lists->decided(now) &&
                              !message.lists->any_listed() &&
                              !policy::may_deny_recipients(message.snapshot->rules);
  if (nobody_refuses) return accepted;

  auto& facts = message.facts;
  message.checks.report(facts);
  if (message.lists) facts.lists = message.lists->results();
  facts.deferred_for = deferrals.deferred_for(facts, now);
  auto opinion = policy::judge_recipient(facts, message.snapshot->rules, recipient.path,
                                         known_so_far(message));
  const bool over = now >= until;
  if (opinion.refusal) {
    // A refusal waits up to half a second for the list's reason text; the denylist has none.
    const bool waits = message.lists && message.lists->awaits_reason(now);
    if (!over && waits && opinion.refusal->rule != policy::rule_name::denylist) return std::nullopt;
    return RcptAnswer{std::move(opinion.refusal)};
  }
  const bool decided = !message.lists || message.lists->decided(now);
  if (over || (decided && !opinion.undecided)) return accepted;
  return std::nullopt;
}

std::optional<mail::SmtpReply> note_recipient(Message& message, Engine& engine, Recipient recipient,
                                              std::optional<policy::Decision> refusal) {
  auto& facts = message.facts;
  if (!refusal) {
    facts.recipients.push_back(recipient.path);
    message.envelope.push_back(std::move(recipient));
    return std::nullopt;
  }
  auto reply = refusal->reply;
  facts.refused_recipients.push_back(recipient.path);
  if (!message.at_refusal) {
    message.at_refusal = facts;
    policy::match_at_rcpt(*message.at_refusal, message.snapshot->rules, known_so_far(message));
  }
  message.at_refusal->refused_recipients = facts.refused_recipients;
  if (refusal->action == policy::Action::tempfail) {
    engine.deferrals().deferred(facts, steady_now(), engine.now());
  }
  message.refused.push_back({recipient.path.raw(), std::move(*refusal)});
  ++engine.counters().refused_recipients;
  return reply;
}

Outcome refused_at_rcpt(Message& message) {
  Outcome outcome;
  outcome.facts = std::move(*message.at_refusal);
  outcome.facts.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - message.began);
  outcome.verdict = policy::decide_at_rcpt(outcome.facts, message.snapshot->rules);
  return outcome;
}

}  // namespace sekisho::session
