// dns/name.h: a name as a question asks for it. Wider than mail::DomainName, because SPF macros may put any
// octet into a label: lower-case ASCII, other octets as they are, no final dot. Labels of 1 to 63 octets
// without `.`, 253 octets at most; the root is not a name here.
// RFC 1035 §2.3.4, §3.1. Thread: immutable value.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mail/domain_name.h"

namespace sekisho::dns {

class Name {
 public:
  // One final dot is allowed and dropped. Nothing when a limit or an empty label forbids it.
  static std::optional<Name> from(std::string_view text);
  // NOLINTNEXTLINE(google-explicit-constructor): every mail domain is a DNS name.
  Name(const mail::DomainName& domain) : text_(domain.text()) {}

  const std::string& text() const { return text_; }

  auto operator<=>(const Name&) const = default;

 private:
  explicit Name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace sekisho::dns

template <>
struct std::hash<sekisho::dns::Name> {
  std::size_t operator()(const sekisho::dns::Name& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
