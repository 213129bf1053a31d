// dmarc/public_suffix_list.h: Organizational Domains by the public suffix list (RFC 7489 §3.2),
// over libpsl.
// Errors: ParseError when the file cannot be read; never throws. Thread: immutable, any.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "mail/domain_name.h"

namespace sekisho::dmarc {

class PublicSuffixList {
 public:
  // With an empty path, the list of the system (package publicsuffix), or the one built into
  // libpsl.
  static Expected<PublicSuffixList> load(const std::string& path);
  ~PublicSuffixList();
  PublicSuffixList(PublicSuffixList&&) noexcept;
  PublicSuffixList& operator=(PublicSuffixList&&) noexcept;

  // The registrable domain; the name itself when it is a public suffix.
  mail::DomainName organizational_domain(const mail::DomainName& domain) const;
  bool is_public_suffix(const mail::DomainName& domain) const;

 private:
  struct State;
  explicit PublicSuffixList(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::dmarc
