#include "mail/tcp_info.h"

#include <algorithm>

#include "base/ascii.h"

namespace sekisho::mail {

namespace {

bool is_address_octet(char c) {
  const char lower = ascii::to_lower(c);
  return ascii::is_digit(c) || (lower >= 'a' && lower <= 'f') || c == ':' || c == '.';
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_digit);
}

std::string_view cut_word(std::string_view& text) {
  text = ascii::trim(text);
  const auto word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  return word;
}

// "IDENT:user@name": the name is behind the last `@`; the part before it is the client's text.
std::string host_name_of(std::string_view word) {
  word = word.substr(word.rfind('@') + 1);
  for (const char* nobody : {"unknown", "<unknown>", "unverified"}) {
    if (ascii::iequals(word, nobody)) return {};
  }
  return std::string(word);
}

// The text behind the literal: a port, a note, "helo=x". If it has another address, either could be
// the client's text, and the comment is not TCP-info.
bool read_after_literal(std::string_view rest, TcpInfo& info) {
  info.may_be_forged = ascii::iequals(ascii::trim(rest), "(may be forged)");
  if (rest.starts_with(':')) {
    const auto port = rest.substr(1, rest.find_first_of(" \t") - 1);
    if (is_number(port)) rest.remove_prefix(1 + port.size());
  }
  rest = ascii::trim(rest);
  info.helo = helo_of_pairs(rest);
  return begins_with_pair(rest) || !mentions_address(rest);
}

// "192.0.2.1:25"; with colons of its own, an address needs brackets.
std::optional<IpAddress> without_port(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || !is_number(text.substr(colon + 1))) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, colon));
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<TcpInfo> parse_bracketed(std::string_view comment, std::size_t open) {
  const auto close = comment.find(']', open);
  if (close == std::string_view::npos) return std::nullopt;
  const auto literal = comment.substr(open, close + 1 - open);
  std::string_view before = comment.substr(0, open);
  before = ascii::trim(before);
  if (before.find_first_of(" \t()") != std::string_view::npos) return std::nullopt;

  TcpInfo info;
  info.name = host_name_of(before);
  info.address = parse_address_text(literal);
  // OpenSMTPD: a client on this host's own socket.
  if (!info.address && literal != "[local]") return std::nullopt;
  if (!read_after_literal(comment.substr(close + 1), info)) return std::nullopt;
  return info;
}

}  // namespace

std::optional<IpAddress> parse_address_text(std::string_view text) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  if (ascii::istarts_with(text, "IPv6:")) text.remove_prefix(5);
  // RFC 4007 §11: the zone says which link, to that host alone.
  if (const auto zone = text.find('%'); zone != std::string_view::npos) {
    const auto id = text.substr(zone + 1);
    if (id.empty() || !std::all_of(id.begin(), id.end(), ascii::is_alnum)) return std::nullopt;
    text = text.substr(0, zone);
  }
  const auto address = IpAddress::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<TcpInfo> parse_tcp_info(std::string_view comment) {
  comment = ascii::trim(comment);
  if (const auto open = comment.find('['); open != std::string_view::npos) {
    return parse_bracketed(comment, open);
  }
  if (comment.find_first_of(" \t()") != std::string_view::npos) return std::nullopt;
  TcpInfo info;
  const auto text = comment.substr(comment.rfind('@') + 1);
  info.address = parse_address_text(text);
  if (!info.address) info.address = without_port(text);
  if (!info.address) return std::nullopt;
  return info;
}

bool mentions_address(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_address_octet(text[at])) continue;
    const auto end =
        static_cast<std::size_t>(std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                  text.end(), is_address_octet) -
                                 text.begin());
    auto run = text.substr(at, end - at);
    at = end;
    while (run.ends_with('.')) run.remove_suffix(1);
    // "192.0.2.1:25" and "2001:db8::1:" as well.
    if (IpAddress::parse(run) || IpAddress::parse(run.substr(0, run.find(':'))) ||
        IpAddress::parse(run.substr(0, run.rfind(':')))) {
      return true;
    }
  }
  return false;
}

bool begins_with_pair(std::string_view words) {
  for (const char* key : {"helo=", "ident=", "port="}) {
    if (ascii::istarts_with(words, key)) return true;
  }
  return false;
}

std::string helo_of_pairs(std::string_view words) {
  while (!words.empty()) {
    const auto word = cut_word(words);
    if (ascii::istarts_with(word, "helo=")) return std::string(word.substr(5));
  }
  return {};
}

}  // namespace sekisho::mail
