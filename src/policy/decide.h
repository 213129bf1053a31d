// policy/decide.h: facts and rules in, the verdict out. First match speaks: exempt → limits →
// malformed author → DNS lists → DMARC → SPF → accept. RFC 9989 §5.3.6, §7.4. Pure: no I/O, no clock. Errors:
// none. Thread: any.
#pragma once

#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// A verdict without edits: those are made from it by the session.
Verdict decide(const Facts& facts, const RuleSet& rules);

// The decision for one recipient, before all recipients are brought together.
Decision decide_for(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule);

}  // namespace sekisho::policy
