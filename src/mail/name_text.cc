#include "mail/name_text.h"

#include "base/ascii.h"
#include "base/utf8.h"

namespace sekisho::mail {

namespace {

// NUL, at which some readers stop, and octets that some take for the end of a line: CR and LF
// outside folds, VT, FF, FS, GS, RS.
bool ends_text(char c) {
  return c == '\0' || c == '\r' || c == '\n' || c == '\v' || c == '\f' || (c >= 0x1c && c <= 0x1e);
}

// The marks (LRM, RLM, ALM) affect only neutral characters beside them, and occur in honest names.
bool is_mark(char32_t c) { return c == 0x200e || c == 0x200f || c == 0x061c; }

bool hides_or_turns(char32_t c) {
  return (c >= 0x80 && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
         (is_bidi_control(c) && !is_mark(c));
}

}  // namespace

Expected<void> check_text(std::string_view value, Controls controls) {
  for (std::size_t i = 0; i < value.size();) {
    const char c = value[i];
    if (c == '\r' && value.substr(i, 2) == "\r\n" && i + 2 < value.size() &&
        ascii::is_wsp(value[i + 2])) {
      i += 3;
      continue;
    }
    if (c != '\t' && ascii::is_control(c) && (controls == Controls::refused || ends_text(c))) {
      return parse_error("a control character", i);
    }
    const auto character = first_utf8_character(value.substr(i));
    if (character && hides_or_turns(character->code_point)) {
      return parse_error("a character that hides or turns text", i);
    }
    i += character ? character->octets : 1;
  }
  return {};
}

bool is_decisive(std::string_view fault) {
  return fault == fault::escape || fault == fault::folded || fault == fault::address_in_name ||
         fault == fault::quoted_local_part || fault == fault::comment_as_address;
}

}  // namespace sekisho::mail
