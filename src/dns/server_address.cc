#include "dns/server_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <charconv>

#include "base/unique_handle.h"

namespace sekisho::dns {

namespace {

constexpr std::string_view expected =
    "expected an address of a name server such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53";

// True of an address in its usual form: getaddrinfo alone would also take what inet_aton(3) reads,
// where "8.8.8" is 8.8.0.8 and "010.0.0.1" is 8.0.0.1.
bool is_written_in_full(const std::string& host) {
  in_addr v4{};
  return host.find(':') != std::string::npos || ::inet_pton(AF_INET, host.c_str(), &v4) == 1;
}

// As the system writes it, so that each server has only one text.
std::string host_text(const sockaddr* address, socklen_t size, const std::string& given) {
  std::array<char, NI_MAXHOST> text{};
  const int failed =
      ::getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return failed == 0 ? std::string(text.data()) : given;
}

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
  // getaddrinfo, because nothing else reads the scope of a link-local address ("%eth0"). Numeric:
  // it makes no lookups.
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* raw = nullptr;
  const std::string service = std::to_string(port);
  const bool has_nul = parts->host.find('\0') != std::string::npos;
  if (parts->host.empty() || has_nul || !is_written_in_full(parts->host) ||
      ::getaddrinfo(parts->host.c_str(), service.c_str(), &hints, &raw) != 0) {
    return parse_error(std::string(expected) + ", found `" + std::string(text) + "`");
  }
  const UniqueHandle<addrinfo, ::freeaddrinfo> found(raw);
  ServerAddress address;
  std::char_traits<char>::copy(reinterpret_cast<char*>(&address.storage_),
                               reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen);
  address.size_ = found->ai_addrlen;
  const std::string host = host_text(address.get(), address.size(), parts->host);
  address.text_ = found->ai_family == AF_INET6 ? "[" + host + "]:" : host + ":";
  address.text_ += service;
  return address;
}

}  // namespace sekisho::dns
