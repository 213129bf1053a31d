// policy/rules.h: what the admin decided, as values. [spf], [dmarc], [lists], [[policy]],
// [policy_defaults].
// Thread: immutable values.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/result.h"
#include "mail/domain_name.h"

namespace sekisho::policy {

class AccessList;

enum class OnSpfFail { tag, quarantine, reject };
enum class OnTemperror { accept, tempfail };
enum class OnDmarcReject { corroborated, always, quarantine, tag };  // what p=reject means here
enum class OnDmarcQuarantine { quarantine, tag, reject };            // what p=quarantine means here
enum class OnMalformedAuthor { reject, quarantine, tag };
// A From field that is not valid, in which everybody reads the same domain: judged for it, or
// malformed like any other.
enum class OnReadableAuthor { judge, malformed };

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
enum class UseLists { apply, skip };

// The kinds of lists that a good word (a dnswl, an allowlist entry) makes of no effect.
struct DnsListKinds {
  bool dnsbl = false;
  bool rhsbl = false;
  bool has(client::DnsListKind kind) const {
    return kind == client::DnsListKind::dnsbl ? dnsbl : kind == client::DnsListKind::rhsbl && rhsbl;
  }
  DnsListKinds with(DnsListKinds other) const {
    return {dnsbl || other.dnsbl, rhsbl || other.rhsbl};
  }
  bool operator==(const DnsListKinds&) const = default;
};

// What a hit in one list leads to. One [[dnsbl]], [[rhsbl]] or [[dnswl]].
struct DnsListRule {
  std::string name;
  client::DnsListKind kind = client::DnsListKind::dnsbl;
  OnListed action = OnListed::reject;  // not for a dnswl
  int weight = 1;                      // counts with a threshold; a dnswl's is taken off
  bool monitor = false;
  DnsListKinds skip{true, true};  // what a hit in a dnswl makes of no effect
};

// [lists]
struct DnsListRules {
  UseLists use = UseLists::apply;
  int threshold = 0;  // 0: each rule alone; else the sum of weights that it takes
  std::chrono::milliseconds rcpt_wait{4000};
  std::vector<DnsListRule> rules;

  const DnsListRule* find(std::string_view name) const;
};

// The rules that hold for one recipient.
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
  const Rules& for_recipient(std::string_view address) const;
  // The most specific override for an Author Domain; nullptr without one.
  const DmarcOverride* override_for(const mail::DomainName& author) const;
};

}  // namespace sekisho::policy
