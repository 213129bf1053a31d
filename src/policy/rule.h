// policy/rule.h: the rules that decide() asks one after the other, and what they share. A rule says
// nothing when it leaves the message to the rules behind it. A new rule is a file of its own and a
// row of chain() (chain.cc). Only this folder includes it.
// Pure: no I/O, no clock. Errors: none. Thread: any.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mail/smtp_reply.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// rule.cc: conclusions.
Decision accept(std::string rule, std::string reason = {});
Decision make(Action action, std::string rule, std::string reason);
// A reject or a temporary failure, as the reply says.
Decision refuse(mail::SmtpReply reply, std::string rule, std::string reason);
// The id is what the sender's postmaster will ask about: a long text is cut before it, so that it
// stays within the 512 octets of a reply line (RFC 5321 §4.5.3.1.5).
std::string with_id(std::string text, const Facts& facts);
// The one kind of deferral: a temporary failure, said with `reply`, until the sender has been put
// off for long enough. Then `end`: what is broken on his side for hours must not bounce his mail,
// and must not be his way past a policy either.
Decision defer(const Facts& facts, const DmarcRule& rule, mail::SmtpReply reply,
               const std::string& name, const std::string& reason, Action end);
// The text of such a reply, where what cannot be known now is the reason.
std::string cannot_be_known(const std::string& reason, const Facts& facts);

// What the rules are asked about.
struct Case {
  const Facts& facts;
  const Rules& rules;
  const DmarcOverride* override_rule = nullptr;
  AccessEffect allowed = {};  // what the entries of the allowlist that hold may skip
};

struct Rule {
  std::string_view name;  // as decisions name it
  std::optional<Decision> (*ask)(const Case&);
  // For people: why it says nothing. Asked only when it does.
  std::string (*silence)(const Case&);
  // The key of the configuration that it goes by in this case: "dmarc.reject"; empty when none
  // could change it.
  std::string (*key)(const Case&);
  // Its own monitor mode; nullptr without one.
  bool (*monitor)(const Rules&) = nullptr;
  std::string_view monitor_key = {};
};

// chain.cc: in the order in which they are asked. The first that speaks decides.
std::span<const Rule> chain();

// author_rule.cc. RFC 9989 §5.3.1: exactly one Author Domain, or there is nothing that DMARC could
// be asked about.
std::optional<Decision> malformed_author(const Facts& facts, const Rules& rules);
std::string silence_of_author(const Case& asked);
std::string key_of_author(const Case& asked);
// allow_rule.cc. A denied identity, forged or not; the hardest of the entries speaks.
std::optional<Decision> by_denylist(const Facts& facts, const std::vector<AccessMatch>& denials);
// What the allowlist lets DMARC do at most, and what is told of it.
struct Eased {
  std::optional<Decision> decision;
  // RFC 9990 policy_override, and why: when DMARC was kept from what its owner asked for.
  std::vector<std::pair<std::string, std::string>> overrides;
  std::string reason;
};
Eased ease_dmarc(std::optional<Decision> decision, const Facts& facts);
// What DMARC says of the case, eased.
Eased eased_dmarc(const Case& asked);

// list_rule.cc; policy/dns_list_rule.h has what the session calls. A rule in monitor mode speaks in a
// Decision that is `monitored` already. `skipped`: what an allowlist entry makes of no effect.
std::optional<Decision> by_lists(const Facts& facts, const DnsListRules& rules,
                                 DnsListKinds skipped = {});
std::string silence_of_lists(const Case& asked);
std::string key_of_lists(const Case& asked);
// Of what a decision names as its rule: "dnsbl[1]", the entry of the configuration.
std::string key_of_list_rule(std::string_view name, const DnsListRules& rules);
// The names of the lists whose hits count, and whose action is reject: "list:zen".
std::vector<std::string> list_evidence(const Facts& facts, const DnsListRules& rules,
                                       DnsListKinds skipped = {});
// dmarc_rule.cc. RFC 9989 §5.3.6, §7.4.
std::optional<Decision> by_dmarc(const Facts& facts, const Rules& rules,
                                 const DmarcOverride* override_rule, DnsListKinds skipped = {});
std::string silence_of_dmarc(const Case& asked);
std::string key_of_dmarc(const Case& asked);
// spf_rule.cc. RFC 7208 §8.
std::optional<Decision> by_spf(const Facts& facts, const Rules& rules);
std::string silence_of_spf(const Case& asked);
std::string key_of_spf(const Case& asked);

}  // namespace sekisho::policy
