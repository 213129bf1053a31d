// mail/value_places.h: what of a header value stands in quoted strings and comments (RFC 5322
// §3.2.2, §3.2.4), when it may be broken: a quotation mark or a parenthesis that nobody closes is
// one octet of text.
//   Anna "B" (c) <a@x> "d  →  the quotation mark at the end is plain
// Thread: any.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace sekisho::mail {

enum class Place : char { plain, quoted, comment };

struct Places {
  std::vector<Place> of;  // each octet
  bool open_quote = false;
  bool open_comment = false;
  // A backslash takes away the meaning of something that an address is made of, or stands in a
  // quoted string or comment with one.
  bool escape = false;
};

Places places_in(std::string_view text);

// Behind the ) that ends the comment at `begin`; npos when none does.
std::size_t end_of_comment(std::string_view text, std::size_t begin);

// Whether this octet is one of a double-octet character of ISO-2022-JP and its kind (RFC 1468):
// between ESC $ … and ESC ( ….
bool in_iso_2022(std::string_view text, std::size_t at);

}  // namespace sekisho::mail
