// policy/dns_list_rule.h: the effect of hits in DNS lists at RCPT, and as evidence for DMARC. RFC
// 5782. Pure: no I/O, no clock.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// The decision at RCPT, from the results known by then: a reject or a tempfail; nullopt: go on, the
// end of DATA decides. nullopt as long as a dnswl that could change it is unanswered, in monitor
// mode, for exempt clients and in the role `local`. `skipped`: the kinds that an allowlist entry
// skips, or still could.
std::optional<Decision> refuse_at_rcpt(const Facts& facts, const Rules& rules,
                                       client::DnsKindSet skipped = {});

// The names of the lists with a hit that counts and the action reject: "list:zen".
std::vector<std::string> list_evidence(const Facts& facts, const DnsListRules& rules,
                                       client::DnsKindSet skipped);

}  // namespace sekisho::policy
