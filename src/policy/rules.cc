#include "policy/rules.h"

#include <utility>

#include "base/ascii.h"

namespace sekisho::policy {

Expected<RecipientPattern> RecipientPattern::parse(std::string_view text) {
  if (text == "*") return RecipientPattern{};
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) {
    return parse_error("expected user@example.com, postmaster@*, @example.com or *");
  }
  RecipientPattern pattern;
  pattern.local_part = ascii::lower(text.substr(0, at));
  if (pattern.local_part.find_first_of("*@") != std::string::npos) {
    return parse_error("* stands for a whole domain or for everybody, not for a part of a name");
  }
  const auto domain = text.substr(at + 1);
  if (domain != "*") {
    auto parsed = mail::DomainName::parse(domain);
    if (!parsed) return parse_error(parsed.error().what, at + 1 + parsed.error().at);
    pattern.domain = parsed->text();
  } else if (pattern.local_part.empty()) {
    return parse_error("@* matches nobody: write * for everybody", at);
  }
  return pattern;
}

bool RecipientPattern::matches(std::string_view local, std::string_view of_domain) const {
  return (local_part.empty() || ascii::iequals(local_part, local)) &&
         (domain.empty() || ascii::iequals(domain, of_domain));
}

int RecipientPattern::specificity() const {
  return (local_part.empty() ? 0 : 2) + (domain.empty() ? 0 : 1);
}

std::string RecipientPattern::text() const {
  if (local_part.empty() && domain.empty()) return "*";
  return local_part + "@" + (domain.empty() ? "*" : domain);
}

const Rules& RuleSet::for_recipient(const mail::Path& recipient) const {
  const Rules* best = &defaults;
  int best_specificity = -1;
  for (const auto& policy : policies) {
    for (const auto& pattern : policy.to) {
      if (pattern.specificity() > best_specificity &&
          pattern.matches(recipient.local_part(), recipient.domain())) {
        best = &policy.rules;
        best_specificity = pattern.specificity();
      }
    }
  }
  return *best;
}

const DmarcOverride* RuleSet::override_for(const mail::DomainName& author) const {
  const DmarcOverride* best = nullptr;
  for (const auto& candidate : overrides) {
    if (!author.is_or_is_below(candidate.domain)) continue;
    if (best == nullptr || candidate.domain.text().size() > best->domain.text().size()) {
      best = &candidate;
    }
  }
  return best;
}

}  // namespace sekisho::policy
