// mail/mime.h: the parts of a message, for a person who looks at it. Not for judging: other
// programs may see other parts. RFC 2046 §5.1, lenient. No recursion; linear in the size of the
// message.
// Errors: nothing; never throws but for memory. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

// Real mail nests less than ten deep and has less than a hundred parts. Deeper or later parts are
// not taken apart.
inline constexpr std::size_t mime_depth = 100;
inline constexpr std::size_t mime_parts = 1000;

// How much of the header of one part is read; the rest is skipped.
inline constexpr std::size_t mime_header_octets = 64 * 1024;

struct MimePart {
  std::size_t depth = 0;
  std::string type = "text/plain";  // in lower case
  std::string charset;              // empty: not said
  std::string disposition;          // "attachment", "inline" or empty
  std::string file_name;            // UTF-8, as the sender wrote it
  std::string encoding;
  std::string_view body;  // as it stood; empty for what holds other parts

  bool is_container() const { return type.starts_with("multipart/") || type == "message/rfc822"; }
  bool is_text() const { return type.starts_with("text/") && disposition != "attachment"; }
  // The body with its transfer encoding decoded.
  std::string content() const;
  // content() as UTF-8 for people, line ends as they were.
  std::string text() const;
};

struct MimeParts {
  std::vector<MimePart> parts;  // in order, each container before what it holds
  bool complete = true;         // false: a limit was reached
};

// A whole message, header first; the parts point into it.
MimeParts read_mime(std::string_view message);

}  // namespace sekisho::mail
