// policy/at_rcpt.h: whether a rule may refuse a recipient before the message. The denylist does, by
// client and envelope; DNS lists do, unless an entry of the allowlist that skips them could still
// be proven. Pure: no I/O, no clock.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string_view>

#include "policy/access_list.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// Whether any rule could ever refuse at RCPT; if not, RCPT needs no check.
bool may_refuse_recipients(const RuleSet& rules);
// Whether the denylist could refuse at RCPT.
bool may_deny_recipients(const RuleSet& rules);

struct RecipientOpinion {
  std::optional<Decision> refusal;
  bool undecided = false;  // SPF or iprev may still change that
};

// `facts`: those known so far; a list without an answer is `unanswered`. `known`: which of them are
// final.
RecipientOpinion judge_recipient(const Facts& facts, const RuleSet& rules, const mail::Path& to,
                                 KnownSoFar known);

// Adds the inputs of judge_recipient() to the facts: the matching entries, and the lists that may
// not refuse.
void match_at_rcpt(Facts& facts, const RuleSet& rules, KnownSoFar known);

// The verdict for the recipients refused at RCPT (Facts::refused_recipients), from the facts of
// that time; the entries are those of match_at_rcpt().
Verdict decide_at_rcpt(const Facts& facts, const RuleSet& rules);

// Whether a recipient that `then` refused is not refused by `now`: then there would have been a
// message, whose verdict cannot be known. Both are from decide_at_rcpt(), for the same recipients.
bool lets_pass(const Verdict& then, const Verdict& now);

}  // namespace sekisho::policy
