#include "smtp/reply.h"

#include <algorithm>

#include "mail/limits.h"

namespace sekisho::smtp {

std::string Reply::line() const {
  std::string out = std::to_string(code) + ' ';
  if (!status.empty()) out += status + ' ';
  out += text;
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  out.resize(std::min(out.size(), mail::limits::reply_line_octets - 2));
  return out;
}

}  // namespace sekisho::smtp
