#include "relay/dot_lines.h"

namespace sekisho::relay {

bool DotLines::add(std::string_view content, std::string& out) {
  out.reserve(out.size() + content.size() + content.size() / 64);
  for (const char c : content) {
    if (after_cr_ != (c == '\n')) return false;
    if (line_begins_ && c == '.') out += '.';
    out += c;
    after_cr_ = c == '\r';
    line_begins_ = c == '\n';
  }
  return true;
}

bool DotLines::end(std::string& out) {
  if (after_cr_) return false;
  if (!line_begins_) out += "\r\n";
  out += ".\r\n";
  return true;
}

}  // namespace sekisho::relay
