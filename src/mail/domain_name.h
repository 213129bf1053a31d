// mail/domain_name.h: a domain as mail compares it: lower-case A-labels without a final dot.
// RFC 5890 (IDNA2008 through libidn2), RFC 1035 §2.3.4. At least one label, labels of 1 to 63 of
// [a-z0-9_-], 253 octets at most. An underscore is allowed, for real senders use it.
// Errors: ParseError; never throws. Thread: immutable value.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::mail {

class DomainName {
 public:
  // From text: ASCII in any case, or UTF-8 (U-labels). One final dot is allowed and dropped.
  static Expected<DomainName> parse(std::string_view text);

  const std::string& text() const { return text_; }
  std::size_t label_count() const;
  // The labels, left to right.
  std::vector<std::string_view> labels() const;
  // The rightmost `count` labels; the whole name when it has no more.
  DomainName suffix(std::size_t count) const;
  // Equal to `parent`, or below it.
  bool is_or_is_below(const DomainName& parent) const;

  auto operator<=>(const DomainName&) const = default;

 private:
  explicit DomainName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace sekisho::mail

template <>
struct std::hash<sekisho::mail::DomainName> {
  std::size_t operator()(const sekisho::mail::DomainName& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
