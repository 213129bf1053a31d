// mail/value_places.h: which octets of a header value stand in quoted strings and comments (RFC
// 5322 §3.2.2, §3.2.4), also when the value is broken: a quotation mark or a parenthesis that is
// not closed is a plain octet.
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
  // A backslash escapes an octet that is part of the syntax of addresses, or stands in a quoted
  // string or comment that has such an octet.
  bool escape = false;
  // A quotation mark outside of quotes stands behind a double-octet character whose second octet is
  // a backslash. It begins a quoted string, and is an escaped one to a reader of single octets.
  bool doubtful_quote = false;
};

Places places_in(std::string_view text);

// The place behind the ) that ends the comment at `begin`; npos if it does not end.
std::size_t end_of_comment(std::string_view text, std::size_t begin);

// Whether this octet is one of a double-octet character of ISO-2022-JP and its kind (RFC 1468):
// between ESC $ … and ESC ( ….
bool in_iso_2022(std::string_view text, std::size_t at);

}  // namespace sekisho::mail
