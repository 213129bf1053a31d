// mail/encoded_word.h: unstructured header text as UTF-8 for people.
//   "=?iso-8859-1?Q?caf=E9?= =?utf-8?B?4pyT?= open"  →  "café✓ open"
// RFC 2047 §2, §5, §6.2, lenient: words may be longer than 75 octets, and a character may be cut in
// two by neighbours of one charset. What cannot be decoded stays as it is; a decoded control
// character becomes U+FFFD. The result has not been made safe for a terminal.
// Errors: nothing; never throws but for memory. Linear. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::mail {

// Text beyond this is not decoded: nobody reads that much of a field, and a row of the index keeps
// 512 octets.
inline constexpr std::size_t encoded_text_octets = 16 * 1024;

std::string decode_encoded_words(std::string_view text, std::size_t limit = encoded_text_octets);

// The same with the octets of every word as they are, whatever charset it names: what a reader sees
// that ignores the charset.
std::string encoded_octets(std::string_view text);

bool holds_encoded_word(std::string_view text);

// Whether the text has an invalid word in which a lenient decoder (Python's email is one) finds an
// @ or a bracket that is not in the text: a word that never ends, or has characters that no word
// may have ("=?utf-8?q?=3Cx=40y.example"). Also true if there are more than 32 such words.
bool holds_address_in_broken_word(std::string_view text);

}  // namespace sekisho::mail
