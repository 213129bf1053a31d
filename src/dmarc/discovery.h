// dmarc/discovery.h: which DMARC Policy Record applies to an Author Domain, and what its
// Organizational Domain is. RFC 9989 §4.10.1 (tree walk), RFC 7489 §6.6.3 (public suffix list).
// Pure: reads the answers known so far.
// Errors: are outcomes; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dmarc/public_suffix_list.h"
#include "dmarc/tree_walk.h"
#include "dns/answers.h"
#include "mail/domain_name.h"

namespace sekisho::dmarc {

struct Discovered {
  std::vector<dns::Question> open;  // not empty: must be answered first; the rest is not filled
  std::string failure;  // not empty: the policy is not known, because the DNS did not answer
  std::optional<Finding> policy;  // nullopt: DMARC does not apply
  std::string why_none;           // for people, when there is no policy
  // nullopt if the Author Domain has its own record but a name above it did not answer.
  std::optional<mail::DomainName> organizational_domain;
  std::string doubt;  // why there is no organizational_domain
  std::vector<std::string> consulted;
  // The names that did not answer; with OnFailure::pass_over the other members are found as if
  // these had no record.
  std::vector<mail::DomainName> failed;
};

Discovered discover_by_walk(const mail::DomainName& author, const dns::Answers& answers,
                            OnFailure on_failure = OnFailure::stop);
Discovered discover_by_suffix(const mail::DomainName& author, const dns::Answers& answers,
                              const PublicSuffixList& suffixes,
                              OnFailure on_failure = OnFailure::stop);

}  // namespace sekisho::dmarc
