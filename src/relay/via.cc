#include "relay/via.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "mail/domain_name.h"
#include "mail/ip_address.h"

namespace sekisho::relay {
namespace {

constexpr std::uint16_t smtp_port = 25;
constexpr std::uint16_t submissions_port = 465;  // RFC 8314 §7.3
// IFNAMSIZ of Linux is 16 with the final NUL.
constexpr std::size_t max_interface = 15;

constexpr const char* all_forms =
    "write lmtp:unix:/PATH, lmtp:HOST:PORT, maildir:/PATH/{domain}/{user}, smtp:[HOST]:PORT, "
    "smtps:[HOST]:PORT, smtp:DOMAIN, mx or discard";

tl::unexpected<ParseError> wrong(std::string what) { return parse_error(std::move(what)); }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), ascii::is_control);
}

std::optional<std::uint16_t> port_in(std::string_view text) {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  const bool whole = !text.empty() && failure == std::errc() && stop == end;
  if (!whole || port == 0 || port > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

bool is_interface(std::string_view name) {
  return !name.empty() && name.size() <= max_interface &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return ascii::is_alnum(c) || std::string_view("._-@").find(c) != std::string_view::npos;
         });
}

// "fe80::1%eth0". Only a link-local address needs an interface (RFC 4007 §11).
Expected<std::string> parse_scoped(std::string_view address, std::string_view interface) {
  const auto parsed = mail::IpAddress::parse(address);
  static const auto link_local = mail::IpPrefix::parse("fe80::/10").value();
  if (!parsed || !link_local.contains(*parsed)) {
    return wrong("\"" + std::string(address) +
                 "\" before the % is no link-local address, as in [fe80::1%eth0]");
  }
  if (!is_interface(interface)) {
    return wrong("the name of an interface must stand behind the %, as in [fe80::1%eth0]");
  }
  return parsed->text() + "%" + std::string(interface);
}

// Digits and dots are a mistyped address, and no name.
bool looks_like_address(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return ascii::is_digit(c) || c == '.'; });
}

Expected<std::string> parse_domain(std::string_view text) {
  const auto name = mail::DomainName::parse(text);
  if (!name || looks_like_address(text)) {
    return wrong("\"" + std::string(text) + "\" is no host name and no address");
  }
  return name->text();
}

Expected<std::string> parse_host(std::string_view text) {
  if (const auto percent = text.find('%'); percent != std::string_view::npos) {
    return parse_scoped(text.substr(0, percent), text.substr(percent + 1));
  }
  if (ascii::istarts_with(text, "ipv6:")) text.remove_prefix(5);
  if (const auto address = mail::IpAddress::parse(text)) return address->text();
  return parse_domain(text);
}

// The host in brackets, and what follows them.
struct Bracketed {
  std::string host;
  std::string_view rest;
};

Expected<Bracketed> parse_bracketed(std::string_view text) {
  const auto close = text.find(']');
  if (close == std::string_view::npos) return wrong("the closing ] is missing");
  return parse_host(text.substr(1, close - 1)).map([&](const std::string& host) {
    return Bracketed{host, text.substr(close + 1)};
  });
}

// `rest`: nothing, or a colon and the port.
Expected<Via> with_port(Via::Kind kind, const std::string& target, std::string_view rest,
                        std::optional<std::uint16_t> usual) {
  if (rest.empty() && usual) return Via{kind, target, *usual};
  if (rest.empty()) return wrong("the port is missing: there is no usual one for LMTP");
  const auto port = rest.front() == ':' ? port_in(rest.substr(1)) : std::nullopt;
  if (!port) return wrong("the port must be from 1 to 65535, behind a colon");
  return Via{kind, target, *port};
}

Expected<Via> parse_to_host(Via::Kind kind, std::string_view text, std::uint16_t usual) {
  const auto host = parse_bracketed(text);
  if (!host) return tl::unexpected(host.error());
  return with_port(kind, host->host, host->rest, usual);
}

Expected<Via> parse_smtp(std::string_view text) {
  if (text.starts_with('[')) return parse_to_host(Via::Kind::smtp_host, text, smtp_port);
  const auto colon = std::min(text.find(':'), text.size());
  const bool address = mail::IpAddress::parse(text).has_value() ||
                       mail::IpAddress::parse(text.substr(0, colon)).has_value();
  if (address || text.find('%') != std::string_view::npos) {
    return wrong("an address has no MX and stands in brackets: write smtp:[ADDRESS]:PORT");
  }
  const auto name = parse_domain(text.substr(0, colon));
  if (!name) return tl::unexpected(name.error());
  return with_port(Via::Kind::smtp_domain, *name, text.substr(colon), smtp_port);
}

Expected<Via> parse_smtps(std::string_view text) {
  if (!text.starts_with('[')) return wrong("write smtps:[HOST]:PORT, with the brackets");
  return parse_to_host(Via::Kind::smtps_host, text, submissions_port);
}

Expected<Via> parse_lmtp(std::string_view text) {
  if (text.starts_with("unix:")) {
    const auto path = text.substr(5);
    if (!path.starts_with('/') || has_control(path)) {
      return wrong("the path of the socket must begin with /");
    }
    return Via{Via::Kind::lmtp_unix, std::string(path), 0};
  }
  if (text.starts_with('/')) return wrong("write lmtp:unix:/PATH for a Unix socket");
  if (text.starts_with('[')) {
    const auto host = parse_bracketed(text);
    if (!host) return tl::unexpected(host.error());
    return with_port(Via::Kind::lmtp, host->host, host->rest, std::nullopt);
  }
  const auto colon = std::min(text.find(':'), text.size());
  if (text.find(':', std::min(colon + 1, text.size())) != std::string_view::npos) {
    return wrong("an IPv6 address stands in brackets: write lmtp:[ADDRESS]:PORT");
  }
  const auto host = parse_host(text.substr(0, colon));
  if (!host) return tl::unexpected(host.error());
  return with_port(Via::Kind::lmtp, *host, text.substr(colon), std::nullopt);
}

// A name in braces that is none of ours would become a folder of that name.
bool has_strange_place(std::string path) {
  for (const std::string_view place : {"{domain}", "{user}"}) {
    for (auto at = path.find(place); at != std::string::npos; at = path.find(place, at)) {
      path.erase(at, place.size());
    }
  }
  return path.find_first_of("{}") != std::string::npos;
}

Expected<Via> parse_maildir(std::string_view path) {
  if (!path.starts_with('/') || has_control(path)) {
    return wrong("the path of a Maildir must begin with /, as in /var/mail/{domain}/{user}");
  }
  if ((std::string(path) + "/").find("/../") != std::string::npos) {
    return wrong("the path of a Maildir has no ..");
  }
  if (has_strange_place(std::string(path))) {
    return wrong("only {domain} and {user} may stand in the path of a Maildir");
  }
  return Via{Via::Kind::maildir, std::string(path), 0};
}

std::string host_text(const std::string& host) { return "[" + host + "]"; }

std::string colon_port(const Via& via) { return ":" + std::to_string(via.port); }

}  // namespace

Expected<Via> parse_via(std::string_view text) {
  if (text == "mx") return Via{Via::Kind::mx, {}, 0};
  if (text == "discard") return Via{Via::Kind::discard, {}, 0};
  if (text.starts_with("lmtp:")) return parse_lmtp(text.substr(5));
  if (text.starts_with("maildir:")) return parse_maildir(text.substr(8));
  if (text.starts_with("smtps:")) return parse_smtps(text.substr(6));
  if (text.starts_with("smtp:")) return parse_smtp(text.substr(5));
  return wrong(all_forms);
}

std::string text_of(const Via& via) {
  switch (via.kind) {
    case Via::Kind::lmtp_unix:
      return "lmtp:unix:" + via.target;
    case Via::Kind::lmtp: {
      const bool v6 = via.target.find(':') != std::string::npos;
      return "lmtp:" + (v6 ? host_text(via.target) : via.target) + colon_port(via);
    }
    case Via::Kind::maildir:
      return "maildir:" + via.target;
    case Via::Kind::smtp_host:
      return "smtp:" + host_text(via.target) + colon_port(via);
    case Via::Kind::smtps_host:
      return "smtps:" + host_text(via.target) + colon_port(via);
    case Via::Kind::smtp_domain:
      return "smtp:" + via.target + colon_port(via);
    case Via::Kind::mx:
      return "mx";
    case Via::Kind::discard:
      return "discard";
  }
  return {};
}

Expected<std::string> parse_route_domain(std::string_view text) {
  if (text == "*") return std::string(text);
  const bool below = text.starts_with('.');
  if (text.starts_with("*.")) {
    return wrong("write \"" + std::string(text.substr(1)) + "\" for the names below a domain");
  }
  const auto name = mail::DomainName::parse(text.substr(below ? 1 : 0));
  if (!name || mail::IpAddress::parse(text)) {
    return wrong("write a domain, \".example.jp\" for the names below it, or \"*\"");
  }
  return (below ? "." : "") + name->text();
}

Expected<Recipients> parse_recipients(std::string_view text) {
  using Kind = Recipients::Kind;
  if (text == "users") return Recipients{Kind::users, {}};
  if (text == "any") return Recipients{Kind::any, {}};
  if (text == "ask") return Recipients{Kind::ask, {}};
  if (text.starts_with("file:") && text.size() > 5) {
    return Recipients{Kind::file, std::string(text.substr(5))};
  }
  return wrong("write users, any, ask or file:PATH");
}

std::string text_of(const Recipients& recipients) {
  switch (recipients.kind) {
    case Recipients::Kind::users:
      return "users";
    case Recipients::Kind::any:
      return "any";
    case Recipients::Kind::ask:
      return "ask";
    case Recipients::Kind::file:
      return "file:" + recipients.path;
  }
  return {};
}

mail::PrefixSet networks_of(const Permit& permit) {
  mail::PrefixSet out;
  for (const auto& text : permit.from) {
    if (const auto entry = mail::PrefixSet::parse_entry(text)) out.add(*entry);
  }
  return out;
}

}  // namespace sekisho::relay
