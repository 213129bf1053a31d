// policy/decide.h: facts and rules in, the verdict out. The first match decides: exempt → limits →
// malformed author → denylist → DNS lists → DMARC → SPF → accept (chain, in rules.h); a proven
// entry of the allowlist limits the rules that it may skip. RFC 9989 §5.3.6, §7.4. Pure: no I/O, no
// clock.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/words.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// Adds the matching entries of both access lists, from all other facts. `readable`: see
// match_denylist().
void match_access_lists(Facts& facts, const RuleSet& rules,
                        const std::vector<mail::Mailbox>& readable = {});

// A verdict without edits: the session adds them.
Verdict decide(const Facts& facts, const RuleSet& rules);

// The decision for one recipient, before all recipients are brought together.
Decision decide_for(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule);

// The opinion of one rule, for explanations.
struct RuleOpinion {
  enum class Said {
    nothing,    // left the decision to the later rules
    spoke,      // decided
    monitored,  // would have decided, but is in monitor mode
    not_asked,  // an earlier rule had decided; `decision` is what it would have decided
    not_yet,    // at RCPT: it needs the message
  };
  std::string rule;
  Said said = Said::nothing;
  std::string why;  // the reason of its decision, or why it has none
  std::optional<Decision> decision;
  std::string key = {};          // the configuration key that mattered; may be empty
  std::string monitor_key = {};  // the key that put it into monitor mode
};

constexpr auto words_of(RuleOpinion::Said) {
  return words<RuleOpinion::Said>({{RuleOpinion::Said::nothing, "nothing"},
                                   {RuleOpinion::Said::spoke, "spoke"},
                                   {RuleOpinion::Said::monitored, "monitored"},
                                   {RuleOpinion::Said::not_asked, "not-asked"},
                                   {RuleOpinion::Said::not_yet, "not-yet"}});
}

// All rules in their order, as decide_for() asks them; at the end the allowlist, if that decided.
std::vector<RuleOpinion> opinions(const Facts& facts, const Rules& rules,
                                  const DmarcOverride* override_rule);
// The same as decide_at_rcpt() (at_rcpt.h) asks them, for a recipient with these rules.
std::vector<RuleOpinion> opinions_at_rcpt(const Facts& facts, const Rules& rules);

}  // namespace sekisho::policy
