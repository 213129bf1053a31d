// policy/dns_list_rule.h: what hits in DNS lists say before the message is there, and what they add
// to what DMARC says. RFC 5782.
// Pure: no I/O, no clock. Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// What is said at RCPT, from the results that are known by then: a reject or a tempfail; nothing:
// go on, the end of the message decides. Nothing as long as a dnswl that could change it is
// unanswered; nothing in monitor mode, for exempt clients and in the role `local`. `skipped`: what
// an allowlist entry makes of no effect, or still could.
std::optional<Decision> refuse_at_rcpt(const Facts& facts, const Rules& rules,
                                       client::DnsKindSet skipped = {});

// The names of the lists whose hits count, and whose action is reject: "list:zen".
std::vector<std::string> list_evidence(const Facts& facts, const DnsListRules& rules,
                                       client::DnsKindSet skipped);

}  // namespace sekisho::policy
