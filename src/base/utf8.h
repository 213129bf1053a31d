// base/utf8.h: reads UTF-8 strictly (RFC 3629: no overlong form, no surrogate, nothing above
// U+10FFFF).
// Errors: nothing; never throws. Thread: any.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sekisho {

struct Utf8Character {
  char32_t code_point;
  std::size_t octets;
};

// The first character of `text`; nullopt if it is empty or does not begin with a well-formed one.
std::optional<Utf8Character> first_utf8_character(std::string_view text);
bool is_utf8(std::string_view text);

// Unicode's Bidi_Control: characters that change the direction of displayed text.
bool is_bidi_control(char32_t code_point);

}  // namespace sekisho
