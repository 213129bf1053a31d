// policy/at_rcpt.h: may a rule refuse a recipient before the message is there? The denylist does,
// by what is known of client and envelope; and DNS lists do, but not where an entry of the
// allowlist could still be proved that skips them.
// Pure: no I/O, no clock. Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string_view>

#include "policy/access_list.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// Whether any rule could ever refuse at RCPT: if not, nobody need be asked there.
bool may_refuse_recipients(const RuleSet& rules);
// Whether the denylist could.
bool may_deny_recipients(const RuleSet& rules);

struct RecipientOpinion {
  std::optional<Decision> refusal;
  bool undecided = false;  // SPF or iprev may still change it
};

// `facts`: what is known so far; a list without an answer is `unanswered`. `known`: what of it is
// final.
RecipientOpinion judge_recipient(const Facts& facts, const RuleSet& rules, const mail::Path& to,
                                 KnownSoFar known);

// Puts what judge_recipient() goes by into the facts: the entries that match, and the lists that
// may not refuse.
void match_at_rcpt(Facts& facts, const RuleSet& rules, KnownSoFar known);

// The verdict on those who were refused at RCPT (Facts::refused_recipients), from what was known
// then; the entries are those of match_at_rcpt().
Verdict decide_at_rcpt(const Facts& facts, const RuleSet& rules);

// Whether somebody whom `then` refused would have got the message by `now`: then there would have
// been one, and what it would have come to cannot be known. Both of decide_at_rcpt(), for the same
// recipients.
bool lets_pass(const Verdict& then, const Verdict& now);

}  // namespace sekisho::policy
