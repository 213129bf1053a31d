// mail/charset.h: text in the charset that a message names, as UTF-8 for people. By iconv of libc,
// for a list of names that mail really has: a name from a message never chooses which conversion
// module libc loads.
// Errors: nothing; never throws but for memory. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::mail {

// Nothing for a charset that is not known, and for octets that are no text in it.
std::optional<std::string> to_utf8(std::string_view octets, std::string_view charset);

// For reading: what cannot be decoded in that charset is tried as UTF-8, and else kept octet by
// octet with U+FFFD for those that are not ASCII.
std::string readable(std::string_view octets, std::string_view charset);

}  // namespace sekisho::mail
