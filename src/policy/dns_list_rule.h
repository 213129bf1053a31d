// policy/dns_list_rule.h: may a DNS list refuse a recipient before the message is there? RFC 5782.
// Pure: no I/O, no clock. Errors: none. Thread: any.
#pragma once

#include <optional>

#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// What is said at RCPT, from the results that are known by then: a reject or a tempfail; nothing:
// go on, the dot decides. Nothing as long as a dnswl that could change it is unanswered; nothing in
// monitor mode, for exempt clients and in the role `local`. `skipped`: what an allowlist entry
// makes of no effect, or still could.
std::optional<Decision> refuse_at_rcpt(const Facts& facts, const Rules& rules,
                                       DnsListKinds skipped = {});

}  // namespace sekisho::policy
