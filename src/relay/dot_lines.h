// relay/dot_lines.h: the octets of a message as DATA sends them: a dot at the beginning of a line
// is doubled, and the last line is ended. RFC 5321 §4.5.2, §2.3.8. A bare CR or LF is never sent:
// some servers take it for the end of a line, and what follows for commands.
// Errors: false from add(). Thread: one owner.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::relay {

class DotLines {
 public:
  // Appends to `out`; false: the content has a bare CR or LF, and nothing more may be sent.
  [[nodiscard]] bool add(std::string_view content, std::string& out);
  // The end of the last line, if it has none, and the dot; false: the content ends with a bare CR.
  [[nodiscard]] bool end(std::string& out);

 private:
  bool line_begins_ = true;
  bool after_cr_ = false;
};

}  // namespace sekisho::relay
