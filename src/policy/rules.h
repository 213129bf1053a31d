// policy/rules.h: the rules in their order, and the admin's settings for each, as values: [spf],
// [dmarc], [lists], [[policy]], [policy_defaults].
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
enum class OnDmarcReject { corroborated, always, quarantine, tag };  // how p=reject is applied
constexpr auto words_of(OnDmarcReject) {
  return words<OnDmarcReject>({{OnDmarcReject::corroborated, "corroborated"},
                               {OnDmarcReject::always, "always"},
                               {OnDmarcReject::quarantine, "quarantine"},
                               {OnDmarcReject::tag, "tag"}});
}
enum class OnDmarcQuarantine { quarantine, tag, reject };  // how p=quarantine is applied
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
// A From field that is not valid, but in which all readers see the same domain: judged for that
// domain, or treated as malformed.
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

// The effect of a hit in one list. One [[dnsbl]], [[rhsbl]] or [[dnswl]].
struct DnsListRule {
  std::string name;
  client::DnsListKind kind = client::DnsListKind::dnsbl;
  OnListed action = OnListed::reject;  // not for a dnswl
  int weight = 1;                      // counts with a threshold; that of a dnswl is subtracted
  bool monitor = false;
  client::DnsKindSet skip = client::accusing_kinds();  // the kinds that a dnswl hit overrides
};

// [lists]
struct DnsListRules {
  UseLists use = UseLists::apply;
  int threshold = 0;  // 0: each rule alone; else the sum of weights needed
  std::chrono::milliseconds rcpt_wait{4000};
  std::vector<DnsListRule> rules;

  const DnsListRule* find(std::string_view name) const;
};

// The settings for one recipient.
struct Rules {
  SpfRule spf;
  DmarcRule dmarc;
  AuthorRule author;
  DnsListRules lists;
  bool monitor = false;  // decide, log and record everything, apply nothing
};

// [dmarc] overrides: other settings for one Author Domain and the names below it.
struct DmarcOverride {
  mail::DomainName domain;
  std::optional<OnDmarcReject> reject;
  std::optional<OnDmarcQuarantine> quarantine;
  std::optional<OnTemperror> temperror;
};

// The recipients of a [[policy]]: "user@example.com", "postmaster@*", "@example.com" or "*". The
// most specific one that matches a recipient wins, in this order.
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
  Rules rules;  // complete: with the defaults where the [[policy]] has no value
};

struct RuleSet {
  Rules defaults;
  std::vector<RecipientRules> policies;
  std::vector<DmarcOverride> overrides;
  // nullptr: no entries.
  std::shared_ptr<const AccessList> allowlist;
  std::shared_ptr<const AccessList> denylist;

  // The rules for a recipient address as SMTP had it (without angle brackets).
  const Rules& for_recipient(const mail::Path& recipient) const;
  // The most specific override for an Author Domain; nullptr if there is none.
  const DmarcOverride* override_for(const mail::DomainName& author) const;
};

// The rules (rule.h) in the order in which they are asked: the first that decides ends it. Each has
// its own file, X_rule.cc.
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
