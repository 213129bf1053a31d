// mail/name_pattern.h: the names that a filter selects: an address, a domain, the names below one,
// a pattern with *, or a part of a name. A part must be marked (~): a search for taro@ must not
// find kentaro@. ASCII case does not matter.
// Errors: ParseError says what to write; never throws. Thread: immutable values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sekisho::mail {

class NamePattern {
 public:
  NamePattern() = default;  // everybody

  // "taro@example.jp", "example.jp" or "@example.jp" (everybody in it), ".example.jp" (the names
  // below it), "*@*.example.jp" (a * stands for anything), "~taro" (a part), "<>" (the null
  // reverse-path). Empty: everybody.
  static Expected<NamePattern> parse(std::string_view text);

  bool is_any() const { return form_ == Form::any; }
  // `name`: an address, a domain or the name of a host.
  bool matches(std::string_view name) const;
  // A text that every matching name contains; may be empty. For a first, coarse search.
  std::string_view certain_part() const;

 private:
  enum class Form { any, whole, domain, below, pattern, part };
  NamePattern(Form form, std::string_view text) : form_(form), text_(text) {}

  Form form_ = Form::any;
  std::string text_;
};

// The forms that parse() accepts, for a help text and an error.
inline constexpr std::string_view name_pattern_forms =
    "an address, a domain, .domain for the names below it, a pattern with *, or ~text for a part";

}  // namespace sekisho::mail
