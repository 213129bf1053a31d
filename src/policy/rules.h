// policy/rules.h: which rules there are, in their order, and what the admin decided about each, as
// values: [spf], [dmarc], [lists], [[policy]], [policy_defaults].
// Thread: immutable values.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/words.h"
#include "client/result.h"
#include "mail/domain_name.h"
#include "mail/path.h"

namespace sekisho::policy {

class AccessList;

enum class OnSpfFail { tag, quarantine, reject };
constexpr auto words_of(OnSpfFail) {
  return words<OnSpfFail>({{OnSpfFail::tag, "tag"},
                           {OnSpfFail::quarantine, "quarantine"},
                           {OnSpfFail::reject, "reject"}});
}
enum class OnTemperror { accept, tempfail };
constexpr auto words_of(OnTemperror) {
  return words<OnTemperror>({{OnTemperror::accept, "accept"}, {OnTemperror::tempfail, "tempfail"}});
}
enum class OnDmarcReject { corroborated, always, quarantine, tag };  // what p=reject means here
constexpr auto words_of(OnDmarcReject) {
  return words<OnDmarcReject>({{OnDmarcReject::corroborated, "corroborated"},
                               {OnDmarcReject::always, "always"},
                               {OnDmarcReject::quarantine, "quarantine"},
                               {OnDmarcReject::tag, "tag"}});
}
enum class OnDmarcQuarantine { quarantine, tag, reject };  // what p=quarantine means here
constexpr auto words_of(OnDmarcQuarantine) {
  return words<OnDmarcQuarantine>({{OnDmarcQuarantine::quarantine, "quarantine"},
                                   {OnDmarcQuarantine::tag, "tag"},
                                   {OnDmarcQuarantine::reject, "reject"}});
}
enum class OnMalformedAuthor { reject, quarantine, tag };
constexpr auto words_of(OnMalformedAuthor) {
  return words<OnMalformedAuthor>({{OnMalformedAuthor::reject, "reject"},
                                   {OnMalformedAuthor::quarantine, "quarantine"},
                                   {OnMalformedAuthor::tag, "tag"}});
}
// A From field that is not valid, in which everybody reads the same domain: judged for it, or
// malformed like any other.
enum class OnReadableAuthor { judge, malformed };
constexpr auto words_of(OnReadableAuthor) {
  return words<OnReadableAuthor>(
      {{OnReadableAuthor::judge, "judge"}, {OnReadableAuthor::malformed, "malformed"}});
}

struct SpfRule {
  OnSpfFail fail = OnSpfFail::tag;
  OnTemperror temperror = OnTemperror::accept;
  bool monitor = false;
};

struct DmarcRule {
  OnDmarcReject reject = OnDmarcReject::corroborated;
  OnDmarcQuarantine quarantine = OnDmarcQuarantine::quarantine;
  OnTemperror temperror = OnTemperror::tempfail;
  std::chrono::seconds defer_for{std::chrono::hours(4)};
  bool monitor = false;
};

struct AuthorRule {
  OnMalformedAuthor malformed = OnMalformedAuthor::reject;
  OnReadableAuthor readable = OnReadableAuthor::judge;
  bool monitor = false;
};

enum class OnListed { reject, quarantine, tempfail, tag, log };
constexpr auto words_of(OnListed) {
  return words<OnListed>({{OnListed::reject, "reject"},
                          {OnListed::quarantine, "quarantine"},
                          {OnListed::tempfail, "tempfail"},
                          {OnListed::tag, "tag"},
                          {OnListed::log, "log"}});
}
enum class UseLists { apply, skip };
constexpr auto words_of(UseLists) {
  return words<UseLists>({{UseLists::apply, "apply"}, {UseLists::skip, "skip"}});
}

// What a hit in one list leads to. One [[dnsbl]], [[rhsbl]] or [[dnswl]].
struct DnsListRule {
  std::string name;
  client::DnsListKind kind = client::DnsListKind::dnsbl;
  OnListed action = OnListed::reject;  // not for a dnswl
  int weight = 1;                      // counts with a threshold; a dnswl's is taken off
  bool monitor = false;
  client::DnsKindSet skip = client::accusing_kinds();  // what a hit in a dnswl makes of no effect
};

// [lists]
struct DnsListRules {
  UseLists use = UseLists::apply;
  int threshold = 0;  // 0: each rule alone; else the sum of weights that it takes
  std::chrono::milliseconds rcpt_wait{4000};
  std::vector<DnsListRule> rules;

  const DnsListRule* find(std::string_view name) const;
};

// What holds for one recipient.
struct Rules {
  SpfRule spf;
  DmarcRule dmarc;
  AuthorRule author;
  DnsListRules lists;
  bool monitor = false;  // decide, log and record everything, apply nothing
};

// [dmarc] overrides: what else p=… of one Author Domain, and the names below it, means here.
struct DmarcOverride {
  mail::DomainName domain;
  std::optional<OnDmarcReject> reject;
  std::optional<OnDmarcQuarantine> quarantine;
  std::optional<OnTemperror> temperror;
};

// Whom a [[policy]] is for: "user@example.com", "postmaster@*", "@example.com" or "*". The most
// specific one that matches a recipient wins, in this order.
struct RecipientPattern {
  std::string local_part;  // lower-case; empty: any
  std::string domain;      // lower-case; empty: any
  static Expected<RecipientPattern> parse(std::string_view text);
  bool matches(std::string_view local_part, std::string_view domain) const;
  int specificity() const;  // 3 address, 2 local part, 1 domain, 0 everything
  std::string text() const;
  bool operator==(const RecipientPattern&) const = default;
};

struct RecipientRules {
  std::vector<RecipientPattern> to;
  Rules rules;  // complete: what the [[policy]] does not say is that of the defaults
};

struct RuleSet {
  Rules defaults;
  std::vector<RecipientRules> policies;
  std::vector<DmarcOverride> overrides;
  // None: no entries.
  std::shared_ptr<const AccessList> allowlist;
  std::shared_ptr<const AccessList> denylist;

  // The rules for a recipient address as SMTP had it (without angle brackets).
  const Rules& for_recipient(const mail::Path& recipient) const;
  // The most specific override for an Author Domain; nullptr without one.
  const DmarcOverride* override_for(const mail::DomainName& author) const;
};

// The rules (rule.h) in the order in which they are asked: the first that speaks decides. Each
// stands in a file of its own, X_rule.cc.
struct Rule;
extern const Rule exempt_rule;
extern const Rule limits_rule;
extern const Rule author_rule;
extern const Rule denylist_rule;
extern const Rule dns_list_rule;
extern const Rule dmarc_rule;
extern const Rule spf_rule;
inline constexpr std::array chain = {&exempt_rule,   &limits_rule, &author_rule, &denylist_rule,
                                     &dns_list_rule, &dmarc_rule,  &spf_rule};

}  // namespace sekisho::policy
