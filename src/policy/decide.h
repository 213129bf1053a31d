// policy/decide.h: facts and rules in, the verdict out. First match speaks: exempt → limits →
// malformed author → denylist → DNS lists → DMARC → SPF → accept (chain, in rules.h); a proven entry of the
// allowlist keeps the rules behind it from what it may skip. RFC 9989 §5.3.6, §7.4. Pure: no I/O,
// no clock. Errors: none.
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/words.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// Fills in what the entries of both lists say of the message, from all the other facts. `readable`:
// see match_denylist().
void match_access_lists(Facts& facts, const RuleSet& rules,
                        const std::vector<mail::Mailbox>& readable = {});

// A verdict without edits: those are made from it by the session.
Verdict decide(const Facts& facts, const RuleSet& rules);

// The decision for one recipient, before all recipients are brought together.
Decision decide_for(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule);

// What one rule had to say, for whoever asks why.
struct RuleOpinion {
  enum class Said {
    nothing,    // left the message to the rules behind it
    spoke,      // decided
    monitored,  // would have decided, and is in monitor mode
    not_asked,  // a rule before it had decided; `decision` is what it would have said
    not_yet,    // at RCPT: it needs the message
  };
  std::string rule;
  Said said = Said::nothing;
  std::string why;  // the reason of its decision, or why it has none
  std::optional<Decision> decision;
  std::string key = {};          // of the configuration: what it went by; may be empty
  std::string monitor_key = {};  // and what put it into monitor mode
};

constexpr auto words_of(RuleOpinion::Said) {
  return words<RuleOpinion::Said>({{RuleOpinion::Said::nothing, "nothing"},
                                   {RuleOpinion::Said::spoke, "spoke"},
                                   {RuleOpinion::Said::monitored, "monitored"},
                                   {RuleOpinion::Said::not_asked, "not-asked"},
                                   {RuleOpinion::Said::not_yet, "not-yet"}});
}

// All rules in their order, as decide_for() asks them; at the end the allowlist, where that is what
// decided.
std::vector<RuleOpinion> opinions(const Facts& facts, const Rules& rules,
                                  const DmarcOverride* override_rule);
// And as decide_at_rcpt() asks them (at_rcpt.h) for a recipient whose rules are `rules`.
std::vector<RuleOpinion> opinions_at_rcpt(const Facts& facts, const Rules& rules);

}  // namespace sekisho::policy
