// mail/name_text.h: which octets may stand in the value of a From field, and the names of its
// faults. Control characters (the ESC of ISO-2022-JP) and octets of any charset are allowed in a
// display name, and are escaped wherever they are shown. Octets that some reader takes for the end
// of a line, and characters that reverse the direction of text, are not allowed.
// Errors: ParseError, in words that are safe in an SMTP reply; never throws. Thread: any.
#pragma once

#include <string_view>

#include "base/result.h"

namespace sekisho::mail {

enum class Controls { refused, in_names };

Expected<void> check_text(std::string_view value, Controls controls);

// Faults that several parsers name.
namespace fault {
inline constexpr const char* comma = "a comma outside quotes";
inline constexpr const char* open_quote = "a quotation mark without its other";
inline constexpr const char* open_comment = "a ( without )";
inline constexpr const char* escape = "a name whose meaning hangs on a backslash";
inline constexpr const char* folded = "a fold in a name that looks like an address";
inline constexpr const char* at_in_name = "an @ in a name without quotes";
inline constexpr const char* address_in_name = "a name that looks like another address";
inline constexpr const char* quoted_local_part = "an address within a quoted local part";
inline constexpr const char* comment_as_address = "a comment in place of an address";
inline constexpr const char* comment_within = "a comment within an address";
inline constexpr const char* empty_brackets = "brackets without an address";
inline constexpr const char* after_address = "text after an address";
}  // namespace fault

// A fault by which a reader may show an author that the rest of the field does not name: then there
// is no domain to judge.
bool is_decisive(std::string_view fault);

}  // namespace sekisho::mail
