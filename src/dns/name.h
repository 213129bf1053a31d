// dns/name.h: a name as a question asks for it. Wider than mail::DomainName, because SPF macros may
// put any octet into a label: lower-case ASCII, other octets as they are, no final dot. Labels of 1
// to 63 octets without `.`, 253 octets at most; the root is not a name here. RFC 1035 §2.3.4, §3.1.
// Thread: immutable value.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mail/domain_name.h"

namespace sekisho::dns {

class Name {
 public:
  // One final dot is allowed and dropped. nullopt if it breaks a limit or has an empty label.
  static std::optional<Name> from(std::string_view text);
  // NOLINTNEXTLINE(google-explicit-constructor): every mail domain is a DNS name.
  Name(const mail::DomainName& domain) : Name(domain.text()) {}

  const std::string& text() const { return text_; }
  // Computed once: a message looks up each of its names many times.
  std::size_t hash() const { return hash_; }

  bool operator==(const Name& other) const { return hash_ == other.hash_ && text_ == other.text_; }
  std::strong_ordering operator<=>(const Name& other) const { return text_ <=> other.text_; }

 private:
  explicit Name(std::string text)
      : text_(std::move(text)), hash_(std::hash<std::string>{}(text_)) {}
  std::string text_;
  std::size_t hash_;
};

}  // namespace sekisho::dns

template <>
struct std::hash<sekisho::dns::Name> {
  std::size_t operator()(const sekisho::dns::Name& name) const noexcept { return name.hash(); }
};
