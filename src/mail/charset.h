// mail/charset.h: text in the charset that a message names, as UTF-8 for people. Uses iconv of libc
// for a fixed list of names that occur in mail: a name from a message never chooses which
// conversion module libc loads.
// Errors: nothing; never throws but for memory. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::mail {

// nullopt if the charset is not known, or if the octets are not valid in it.
std::optional<std::string> to_utf8(std::string_view octets, std::string_view charset);

// For reading: octets that cannot be decoded in that charset are tried as UTF-8; if that fails too,
// ASCII is kept and every other octet becomes U+FFFD.
std::string readable(std::string_view octets, std::string_view charset);

}  // namespace sekisho::mail
