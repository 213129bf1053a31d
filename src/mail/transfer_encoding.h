// mail/transfer_encoding.h: decodes the encodings of RFC 2045 §6 as readers of mail do: malformed
// input is skipped, never refused.
// Errors: nothing; never throws but for memory. Linear. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::mail {

// Everything outside the alphabet is skipped (§6.8); it ends at the padding.
std::string decode_base64(std::string_view text);
// A `=` that begins no code is kept (§6.7); blanks at the end of a line are dropped.
std::string decode_quoted_printable(std::string_view text);
// Decodes by the name of the encoding; 7bit, 8bit, binary and unknown encodings change nothing.
std::string decode_transfer(std::string_view text, std::string_view encoding);

// The value of a hexadecimal digit, or -1.
int hex_value(char c);

}  // namespace sekisho::mail
