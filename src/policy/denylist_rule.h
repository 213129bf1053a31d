// policy/denylist_rule.h: a denied identity, forged or not; the most severe entry counts. Pure: no
// I/O, no clock.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <vector>

#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

std::optional<Decision> by_denylist(const Facts& facts, const std::vector<AccessMatch>& denials);

// The decision at RCPT: only rejects, because the milder actions need the message.
std::optional<Decision> deny_at_rcpt(const Facts& facts, const std::vector<AccessMatch>& denials,
                                     const Rules& rules);

}  // namespace sekisho::policy
