// base/encoding.h: base64 (RFC 4648 §4), hex, and text made safe for a log line or a terminal.
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho {

std::string base64_encode(std::string_view octets);
// Strict: the alphabet, right padding, nothing else; spaces must have been removed before.
std::optional<std::string> base64_decode(std::string_view text);
std::string hex_encode(std::string_view octets);

// Control characters (C1 and the line separators of Unicode too), `"`, `\`, bidirectional controls
// and every octet that is not well-formed UTF-8 become \xNN; at most `limit` octets of the input
// are shown, then "…".
std::string escape_for_log(std::string_view text, std::size_t limit = 512);
// For a value that ends at a blank: the same, and a blank becomes \x20. A stranger's text cannot
// look like more values of the line.
std::string escape_as_word(std::string_view text, std::size_t limit = 512);

// For a printed sentence with typed or received text: the same, but quotes and backslashes stay as
// they are.
std::string escape_for_terminal(std::string_view text);

}  // namespace sekisho
