// mail/mime.h: the parts of a message, for a person who looks at it. Not for judging: other readers
// may see others. RFC 2046 §5.1, lenient. Without recursion; in a time that grows with the message
// alone.
// Errors: nothing; never throws but for memory. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

// Real mail nests less than ten deep and has less than a hundred parts. What is beyond is not taken
// apart.
inline constexpr std::size_t mime_depth = 100;
inline constexpr std::size_t mime_parts = 1000;

// The header of one part that is read; the rest of it is passed over.
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
  // The encoding undone.
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
