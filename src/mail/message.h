// mail/message.h: a stored message taken apart into header and body. RFC 5322 §2.1, lenient: LF
// alone ends a line as CRLF does and becomes CRLF when `line_ends` says so; a line before the body
// that is neither a field nor a continuation is kept as `malformed`.
// Thread: one owner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/header.h"

namespace sekisho::mail {

struct Message {
  Header header;
  std::string body;                    // after the empty line, CRLF line ends kept as they were
  std::vector<std::string> malformed;  // header lines that are no fields, in order
  // The first field beyond the limits of the header. A caller that feeds a session must pass it on,
  // so that the session meets the limit too instead of judging a message without these fields.
  std::optional<HeaderField> left_out;
};

// LF without CR becomes CRLF throughout only if the message has no CRLF at all (a file written on
// Unix); otherwise octets stay as they are.
Message parse_message(std::string_view octets);

}  // namespace sekisho::mail
