#include "base/inet_socket.h"

#include <cerrno>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace sekisho {

namespace {

tl::unexpected<std::string> error(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

// The error of errno, with advice.
std::string errno_text() {
  const int code = errno;
  const std::string text = std::strerror(code);
  if (code == EADDRINUSE) {
    return text + "; choose another port, or stop what has it (ss -ltnp shows it)";
  }
  if (code == EADDRNOTAVAIL) return text + "; this host has no such address";
  if (code == EACCES) return text + "; a port below 1024 needs root, or choose another";
  return text;
}

// Returns the size of the address in `storage`; 0 if the host is not an address.
socklen_t to_sockaddr(const InetAddress& where, sockaddr_storage& storage) {
  if (where.is_v6()) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(where.port);
    return ::inet_pton(AF_INET6, where.host.c_str(), &v6.sin6_addr) == 1 ? sizeof v6 : 0;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(where.port);
  return ::inet_pton(AF_INET, where.host.c_str(), &v4.sin_addr) == 1 ? sizeof v4 : 0;
}

}  // namespace

std::string InetAddress::text() const {
  return (is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Expected<InetAddress, std::string> parse_inet_address(std::string_view text) {
  const auto wrong = [] { return error("write ADDRESS:PORT, as in 127.0.0.1:9464 or [::1]:9464"); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  InetAddress out{std::string(host), 0};
  // Without brackets, the port could not be distinguished from the last group of an IPv6 address.
  if (brackets != out.is_v6()) return wrong();
  const char* end = digits.data() + digits.size();
  const auto [stop, failure] = std::from_chars(digits.data(), end, out.port);
  if (digits.empty() || failure != std::errc() || stop != end) return wrong();
  sockaddr_storage unused{};
  // A NUL would end the text for inet_pton, and hide the rest.
  if (host.find('\0') != std::string_view::npos || to_sockaddr(out, unused) == 0) return wrong();
  return out;
}

Expected<UniqueFd, std::string> listen_inet(const InetAddress& where, int backlog, V6 v6) {
  sockaddr_storage storage{};
  const socklen_t size = to_sockaddr(where, storage);
  if (size == 0) return error(where.host + " is no IP address");
  UniqueFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return error(errno_text());
  const int on = 1;
  const int v6_only = v6 == V6::only ? 1 : 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.is_v6()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0)
    return error(errno_text());
  if (::listen(fd.get(), backlog) != 0) return error(errno_text());
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  return ntohs(name.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(name).sin6_port
                                          : reinterpret_cast<sockaddr_in&>(name).sin_port);
}

}  // namespace sekisho
