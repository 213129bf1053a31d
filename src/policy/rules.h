// policy/rules.h: what the admin decided, as values. [spf], [dmarc], [[policy]], [policy_defaults].
// Thread: immutable values.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mail/domain_name.h"

namespace sekisho::policy {

class Allowlist;

enum class OnSpfFail { tag, quarantine, reject };
enum class OnTemperror { accept, tempfail };
enum class OnDmarcReject { corroborated, always, quarantine, tag };  // what p=reject means here
enum class OnDmarcQuarantine { quarantine, tag, reject };            // what p=quarantine means here
enum class OnMalformedAuthor { reject, quarantine, tag };

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
  bool monitor = false;
};

// The rules that hold for one recipient.
struct Rules {
  SpfRule spf;
  DmarcRule dmarc;
  AuthorRule author;
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
  std::shared_ptr<const Allowlist> allowlist;
  std::shared_ptr<const Allowlist> denylist;

  // The rules for a recipient address as SMTP had it (without angle brackets).
  const Rules& for_recipient(std::string_view address) const;
  // The most specific override for an Author Domain; nullptr without one.
  const DmarcOverride* override_for(const mail::DomainName& author) const;
};

}  // namespace sekisho::policy
