// The types of values that are texts: names, addresses, sockets, paths.
#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/inet_socket.h"
#include "config/values.h"

namespace sekisho::config {
namespace {

// sun_path of Linux is 108 octets with the final NUL, and that of FreeBSD 104.
constexpr std::size_t max_socket_path = 103;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), ascii::is_control);
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  return !text.empty() && failure == std::errc() && stop == end && port >= 1 && port <= 65'535;
}

Expected<std::string> check_inet_socket(std::string_view text, std::string_view rest, bool v4) {
  const std::size_t at = rest.find('@');
  if (at == std::string_view::npos) {
    return parse_error(v4 ? "write inet:PORT@ADDRESS, as in inet:8890@127.0.0.1"
                          : "write inet6:PORT@ADDRESS, as in inet6:8890@::1");
  }
  if (!is_port(rest.substr(0, at))) return parse_error("the port must be from 1 to 65535");
  const auto address = mail::IpAddress::parse(rest.substr(at + 1));
  if (!address) return parse_error("not an IP address after the @");
  if (address->is_v4() != v4) {
    return parse_error(v4 ? "inet: takes an IPv4 address; write inet6: for IPv6"
                          : "inet6: takes an IPv6 address; write inet: for IPv4");
  }
  return std::string(text);
}

LogOptions parse_log_target(const Value& value, std::string& problem) {
  using Target = LogOptions::Target;
  const std::string& text = value.text;
  if (text == "syslog") return {Target::syslog, {}};
  if (text == "stderr") return {Target::stderr_stream, {}};
  if (text == "journald") return {Target::journald, {}};
  if (text.starts_with("file:/") && !has_control(text)) return {Target::file, text.substr(5)};
  problem = "must be one of: syslog, stderr, journald, file:PATH (PATH begins with /)";
  const std::string meant = nearest(text, {"syslog", "stderr", "journald"});
  if (!meant.empty()) problem += ". Did you mean " + toml_text(meant) + "?";
  return {};
}

std::string show_log_target(const LogOptions& log) {
  switch (log.target) {
    case LogOptions::Target::syslog:
      return "\"syslog\"";
    case LogOptions::Target::stderr_stream:
      return "\"stderr\"";
    case LogOptions::Target::journald:
      return "\"journald\"";
    case LogOptions::Target::file:
      return toml_text("file:" + log.path);
  }
  return {};
}

}  // namespace

Type<std::string> text(std::string expects, const CheckText& check) {
  return {std::move(expects),
          [check](const std::string& key, const Value& value, std::string& slot, Reader& reader) {
            if (value.kind != Value::Kind::text) {
              reader.error(value.place,
                           key + " must be a string, not " + std::string(describe(value.kind)));
              return;
            }
            if (value.text.empty()) {
              slot.clear();
            } else if (auto checked = check(value.text)) {
              slot = std::move(*checked);
            } else {
              reader.error(value.place,
                           key + " = " + toml_text(value.text) + ": " + checked.error().what);
            }
          },
          [](const std::string& slot) { return toml_text(slot); }};
}

Type<std::string> path() {
  Type<std::string> type =
      text("a path; a relative one starts from the folder of the file that names it",
           [](std::string_view value) -> Expected<std::string> {
             if (has_control(value)) return parse_error("a path holds no control characters");
             return std::string(value);
           });
  const auto read = type.read;
  type.read = [read](const std::string& key, const Value& value, std::string& slot,
                     Reader& reader) {
    read(key, value, slot, reader);
    slot = relative_to(value.place, slot);
  };
  return type;
}

Type<LogOptions> log_target() {
  return {"syslog, stderr, journald or file:PATH",
          [](const std::string& key, const Value& value, LogOptions& slot, Reader& reader) {
            std::string problem;
            const LogOptions read = parse_log_target(value, problem);
            if (problem.empty()) {
              slot.target = read.target;
              slot.path = read.path;
            } else {
              reader.error(value.place, key + " " + problem);
            }
          },
          show_log_target};
}

Expected<std::string> check_host_name(std::string_view text) {
  return mail::DomainName::parse(text).map(
      [](const mail::DomainName& name) { return name.text(); });
}

// RFC 8601 §2.2: authserv-id = value, a token or a quoted string (RFC 2045 §5.1). Only what needs
// no quotes: some readers compare the raw text.
Expected<std::string> check_authserv_id(std::string_view text) {
  constexpr std::string_view specials = "()<>@,;:\\\"/[]?=";
  for (const char c : text) {
    if (ascii::is_control(c) || c == ' ' || specials.find(c) != std::string_view::npos) {
      return parse_error("an authserv-id holds no spaces and none of ()<>@,;:\\\"/[]?=");
    }
  }
  return std::string(text);
}

Expected<std::string> check_account(std::string_view text) {
  const auto fits = [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-' || c == '.'; };
  if (text.size() > 32 || text.front() == '-' || !std::all_of(text.begin(), text.end(), fits)) {
    return parse_error("not the name of a user or group");
  }
  return std::string(text);
}

Expected<std::string> check_socket_path(std::string_view text) {
  if (text.front() != '/' || has_control(text)) return parse_error("the path must begin with /");
  if (text.size() > max_socket_path) {
    return parse_error("the path of a socket has at most " + std::to_string(max_socket_path) +
                       " octets");
  }
  return std::string(text);
}

//   socket = "unix:" path / "inet:" port "@" IPv4 / "inet6:" port "@" IPv6
Expected<std::string> check_milter_socket(std::string_view text) {
  if (text.starts_with("inet6:")) return check_inet_socket(text, text.substr(6), false);
  if (text.starts_with("inet:")) return check_inet_socket(text, text.substr(5), true);
  if (text.starts_with("unix:/")) {
    return check_socket_path(text.substr(5)).map([&](const std::string&) {
      return std::string(text);
    });
  }
  return parse_error("write unix:/PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS");
}

//   server = IPv4 [":" port] / IPv6 / "[" IPv6 "]" [":" port]
Expected<std::string> check_release_route(std::string_view text) {
  constexpr std::string_view shape = "write smtp:HOST:PORT, sendmail:/PATH or queue";
  if (text == "queue") return std::string(text);
  if (text.starts_with("sendmail:/")) return std::string(text);
  if (!text.starts_with("smtp:")) return parse_error(std::string(shape));
  const std::string_view where = text.substr(5);
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos || !is_port(where.substr(colon + 1))) {
    return parse_error(std::string(shape) + ", as in smtp:127.0.0.1:25 or smtp:[::1]:25");
  }
  std::string_view host = where.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (mail::IpAddress::parse(host)) return std::string(text);
  if (!bracketed && check_host_name(host)) return std::string(text);
  return parse_error("\"" + std::string(host) + "\" is no address and no host name");
}

Expected<std::string> check_dns_server(std::string_view text) {
  std::string_view address = text;
  std::string_view port = "53";
  if (text.starts_with("[")) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return parse_error("the closing ] is missing");
    address = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty()) port = rest.front() == ':' ? rest.substr(1) : std::string_view();
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  }
  if (!mail::IpAddress::parse(address) || !is_port(port)) {
    return parse_error("write ADDRESS or ADDRESS:PORT, as in 127.0.0.1:5353 or [::1]:53");
  }
  return std::string(text);
}

Expected<std::string> check_listen_address(std::string_view text) {
  const auto address = parse_inet_address(text);
  if (!address) return parse_error(address.error());
  if (address->port == 0) return parse_error("the port must be from 1 to 65535");
  return std::string(text);
}

Type<std::vector<std::string>> texts(const std::string& expects, const CheckText& check) {
  const auto parse = [check](std::string_view text) -> Expected<std::string> {
    if (text.empty()) return parse_error("empty");
    return check(text);
  };
  return array_of<std::string>(expects, parse, [](const std::string& each) { return each; });
}

Type<std::vector<mail::DomainName>> domains() {
  return array_of<mail::DomainName>("domains", mail::DomainName::parse,
                                    [](const mail::DomainName& each) { return each.text(); });
}

Type<std::vector<mail::IpPrefix>> prefixes() {
  return array_of<mail::IpPrefix>("addresses and networks", mail::IpPrefix::parse,
                                  [](const mail::IpPrefix& each) { return each.text(); });
}

Type<std::vector<policy::RecipientPattern>> recipients() {
  auto type = array_of<policy::RecipientPattern>(
      "recipients: user@example.com, postmaster@*, @example.com or *",
      policy::RecipientPattern::parse,
      [](const policy::RecipientPattern& each) { return each.text(); });
  type.read = [read = type.read](const std::string& key, const Value& value,
                                 std::vector<policy::RecipientPattern>& slot, Reader& reader) {
    const std::size_t findings = reader.findings.size();
    read(key, value, slot, reader);
    if (slot.empty() && reader.findings.size() == findings) {
      reader.warning(value.place, key + " is empty: the entry is for nobody");
    }
  };
  return type;
}

}  // namespace sekisho::config
