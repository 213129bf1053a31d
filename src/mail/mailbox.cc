#include "mail/mailbox.h"

#include <algorithm>

#include "base/ascii.h"
#include "mail/limits.h"

namespace sekisho::mail {

namespace {

// RFC 5321 §4.1.2 Atom, with the octets of UTF-8 (RFC 6531 §3.3).
bool is_atom_octet(char c) {
  return ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
}

struct LocalPart {
  std::string text;
  std::size_t end;  // the octet after it: an `@`
};

Expected<LocalPart> parse_quoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      if (i + 1 >= text.size() || text[i + 1] != '@') {
        return parse_error("no @ after the quoted local part", i + 1);
      }
      return LocalPart{std::move(out), i + 1};
    }
    if (c == '\\' && i + 1 < text.size()) c = text[++i];
    if (ascii::is_control(c)) return parse_error("a control octet in a local part", i);
    out += c;
  }
  return parse_error("a quoted local part without end", text.size());
}

Expected<LocalPart> parse_unquoted(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '@') return LocalPart{std::string(text.substr(0, i)), i};
    if (text[i] != '.' && !is_atom_octet(text[i])) {
      return parse_error("a character that must be quoted in a local part", i);
    }
  }
  return parse_error("an address without a domain", text.size());
}

bool is_dot_string(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.' ||
      local.find("..") != std::string_view::npos) {
    return false;
  }
  return std::all_of(local.begin(), local.end(),
                     [](char c) { return c == '.' || is_atom_octet(c); });
}

// A-d-l ":" of RFC 5321 §4.1.2: `@host,@host:`. Returns what follows it.
Expected<std::string_view> without_source_route(std::string_view path) {
  if (!path.starts_with('@')) return path;
  const auto colon = path.find(':');
  if (colon == std::string_view::npos) return parse_error("an empty local part");
  std::string_view route = path.substr(0, colon);
  for (;;) {
    const auto comma = route.find(',');
    const std::string_view hop = route.substr(0, comma);
    if (!hop.starts_with('@') || !DomainName::parse(hop.substr(1))) {
      return parse_error("a source route that names no host");
    }
    if (comma == std::string_view::npos) break;
    route.remove_prefix(comma + 1);
  }
  return path.substr(colon + 1);
}

}  // namespace

Expected<Mailbox> Mailbox::parse(std::string_view text) {
  auto local = text.starts_with('"') ? parse_quoted(text) : parse_unquoted(text);
  if (!local) return tl::unexpected<ParseError>(local.error());
  if (local->text.empty()) return parse_error("an empty local part");
  if (local->text.size() > limits::local_part_octets) {
    return parse_error("the local part is too long");
  }
  const std::size_t domain_start = local->end + 1;
  auto domain = DomainName::parse(text.substr(domain_start));
  if (!domain) return parse_error(domain.error().what, domain_start + domain.error().at);
  return Mailbox{std::move(local->text), std::move(*domain)};
}

std::string Mailbox::text() const {
  if (is_dot_string(local_part)) return local_part + '@' + domain.text();
  std::string out = "\"";
  for (const char c : local_part) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"@" + domain.text();
}

Expected<ReversePath> ReversePath::parse(std::string_view text) {
  if (text.starts_with('<')) {
    if (text.size() < 2 || !text.ends_with('>')) return parse_error("no > at the end", text.size());
    text = text.substr(1, text.size() - 2);
  }
  if (text.empty()) return null();
  const auto path = without_source_route(text);
  if (!path) return tl::unexpected<ParseError>(path.error());
  auto mailbox = Mailbox::parse(*path);
  if (!mailbox) return tl::unexpected<ParseError>(mailbox.error());
  return ReversePath(std::move(*mailbox));
}

}  // namespace sekisho::mail
