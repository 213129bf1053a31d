#include "net/listen.h"

#include <charconv>

#include "base/inet_socket.h"
#include "base/unix_socket.h"

namespace sekisho::net {

namespace {

// As many processes of an MTA as may connect at the same moment; the kernel cuts it to its limit.
constexpr int backlog = 512;

tl::unexpected<std::string> error(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

bool is_address(const std::string& host, bool v6) {
  const auto address = parse_inet_address((v6 ? "[" + host + "]" : host) + ":0");
  return address && address->is_v6() == v6;
}

}  // namespace

Expected<SocketAddress, std::string> parse_socket(const std::string& text) {
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (kind == "unix" || kind == "local") {
    if (rest.empty() || rest.front() != '/')
      return error("expected an absolute path: unix:/run/sekisho/milter.sock");
    return SocketAddress{rest, "", 0};
  }
  if (kind != "inet" && kind != "inet6") {
    return error("expected unix:PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS");
  }
  const auto at = rest.find('@');
  if (at == std::string::npos) {
    return error("expected an address, as in " + kind + ":8890@" +
                 (kind == "inet" ? "127.0.0.1" : "::1"));
  }
  SocketAddress address;
  address.host = rest.substr(at + 1);
  if (address.host == "localhost") address.host = kind == "inet" ? "127.0.0.1" : "::1";
  if (!is_address(address.host, kind == "inet6")) {
    return error("'" + address.host + "' is no " + (kind == "inet" ? "IPv4" : "IPv6") + " address");
  }
  unsigned port = 0;
  const auto [end, failed] = std::from_chars(rest.data(), rest.data() + at, port);
  if (failed != std::errc() || end != rest.data() + at || port == 0 || port > 65535) {
    return error("'" + rest.substr(0, at) + "' is no port");
  }
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

Expected<Listening, std::string> listen_on(const Endpoint& endpoint) {
  const auto where = parse_socket(endpoint.socket);
  if (!where) return error(where.error());
  auto fd = where->unix_path.empty()
                ? listen_inet({where->host, where->port}, backlog)
                : listen_unix({where->unix_path, endpoint.mode, endpoint.owner, endpoint.group});
  if (!fd) return error(fd.error());
  return Listening{std::move(*fd), where->unix_path};
}

}  // namespace sekisho::net
