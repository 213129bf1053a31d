#include "dns/server_address.h"

#include <netdb.h>

#include <charconv>

#include "base/unique_handle.h"

namespace sekisho::dns {

namespace {

constexpr std::string_view expected =
    "expected an address of a name server such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53";

// The host and the port, which is empty when there is none; a bare IPv6 address has two colons or
// more.
struct Parts {
  std::string host, port;
};

Expected<Parts> split(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    if (end == text.npos)
      return parse_error(std::string(expected) + ": `]` is missing", text.size());
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return parse_error(std::string(expected), end + 1);
    if (rest == ":") return parse_error("expected a port after `:`", text.size());
    return Parts{std::string(text.substr(1, end - 1)),
                 std::string(rest.empty() ? rest : rest.substr(1))};
  }
  const auto colon = text.find(':');
  if (colon == text.npos || text.find(':', colon + 1) != text.npos)
    return Parts{std::string(text), {}};
  if (colon + 1 == text.size()) return parse_error("expected a port after `:`", text.size());
  return Parts{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace

Expected<ServerAddress> ServerAddress::parse(std::string_view text) {
  auto parts = split(text);
  if (!parts) return tl::unexpected(parts.error());
  unsigned port = 53;
  if (const std::string& digits = parts->port; !digits.empty()) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535) {
      return parse_error("expected a port of 1 to 65535, found `" + digits + "`",
                         text.size() - digits.size());
    }
  }
  // getaddrinfo, for it alone reads the scope of a link-local address ("%eth0"). Numeric: it asks
  // nobody.
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* raw = nullptr;
  const std::string service = std::to_string(port);
  const bool has_nul = parts->host.find('\0') != std::string::npos;
  if (parts->host.empty() || has_nul ||
      ::getaddrinfo(parts->host.c_str(), service.c_str(), &hints, &raw) != 0) {
    return parse_error(std::string(expected) + ", found `" + std::string(text) + "`");
  }
  const UniqueHandle<addrinfo, ::freeaddrinfo> found(raw);
  ServerAddress address;
  std::char_traits<char>::copy(reinterpret_cast<char*>(&address.storage_),
                               reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen);
  address.size_ = found->ai_addrlen;
  address.text_ = found->ai_family == AF_INET6 ? "[" + parts->host + "]:" : parts->host + ":";
  address.text_ += service;
  return address;
}

}  // namespace sekisho::dns
