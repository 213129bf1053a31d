// mail/name_pattern.h: whom a filter means: an address, a domain, the names below one, a pattern
// with *, or a part. Without a sign of its own nothing means a part: whoever asks for taro@ does
// not mean kentaro@. ASCII case does not matter.
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
  // Something that is part of every name that matches; may be empty. For a search that looks closer
  // afterwards.
  std::string_view certain_part() const;

 private:
  enum class Form { any, whole, domain, below, pattern, part };
  NamePattern(Form form, std::string_view text) : form_(form), text_(text) {}

  Form form_ = Form::any;
  std::string text_;
};

// What parse() takes, for a help text and an error.
inline constexpr std::string_view name_pattern_forms =
    "an address, a domain, .domain for the names below it, a pattern with *, or ~text for a part";

}  // namespace sekisho::mail
