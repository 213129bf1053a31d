// policy/dmarc_rule.h: the decision of DMARC, limited by the allowlist. RFC 9989 §5.3.6, §7.4; RFC
// 9990 for its report. Only this folder includes it. Pure: no I/O, no clock.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/rule.h"

namespace sekisho::policy {

struct Eased {
  std::optional<Decision> decision;
  // RFC 9990 policy_override, and why: set if the owner's policy was not applied in full.
  std::vector<std::pair<std::string, std::string>> overrides;
  std::string reason;
};
Eased eased_dmarc(const Case& asked);

}  // namespace sekisho::policy
