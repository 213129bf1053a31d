#include "mail/sendmail_cf.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/ascii.h"

namespace sekisho::mail {

namespace {

// O DontExpandCnames=True: for sendmail, a value that begins like yes, true or 1 is true, and so is
// an empty one.
bool is_dont_expand(std::string_view line) {
  constexpr std::string_view name = "DontExpandCnames";
  if (!line.starts_with("O ")) return false;
  line = ascii::trim(line.substr(2));
  if (line.size() < name.size() || !ascii::iequals(line.substr(0, name.size()), name)) return false;
  line = ascii::trim(line.substr(name.size()));
  if (line.empty()) return true;
  if (line.front() != '=') return false;
  line = ascii::trim(line.substr(1));
  return line.empty() || std::string_view("tTyY1").find(line.front()) != line.npos;
}

// The rule that hands every domain to the resolver, $[ … $]. FEATURE(`nocanonify') leaves it out.
// What it writes instead applies to a class of domains only, and does not have a bare $* as the
// domain on its left side.
bool canonifies(std::string_view line) {
  if (!line.starts_with("R")) return false;
  const auto tab = line.find('\t');
  return tab != line.npos && line.substr(0, tab).find("< @ $* >") != line.npos &&
         line.substr(tab).find("$[") != line.npos && line.substr(0, tab).find(" c ") == line.npos;
}

// Xsekisho, S=unix:/run/sekisho/mx.sock, F=T, …
std::string filter_socket(std::string_view line) {
  if (!line.starts_with("X")) return {};
  const auto at = line.find("S=");
  if (at == line.npos) return {};
  std::string_view socket = line.substr(at + 2);
  socket = ascii::trim(socket.substr(0, socket.find(',')));
  if (socket.starts_with("local:")) return "unix:" + std::string(socket.substr(6));
  return std::string(socket);
}

}  // namespace

SendmailCf parse_sendmail_cf(std::string_view text) {
  SendmailCf out;
  bool dont_expand = false;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    dont_expand = dont_expand || is_dont_expand(line);
    out.follows_aliases = out.follows_aliases || canonifies(line);
    if (auto socket = filter_socket(line); !socket.empty())
      out.filters.push_back(std::move(socket));
  }
  out.follows_aliases = out.follows_aliases && !dont_expand;
  return out;
}

std::optional<SendmailCf> read_sendmail_cf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_sendmail_cf(text);
}

}  // namespace sekisho::mail
