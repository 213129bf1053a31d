#include "milter/listen.h"

#include <charconv>

#include "base/inet_socket.h"
#include "base/unix_socket.h"
#include "mail/ip_address.h"

namespace sekisho::milter {

namespace {

// As many MTA processes as may connect at the same moment; the kernel cuts it to its own limit.
constexpr int backlog = 512;

tl::unexpected<std::string> error(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
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
  const auto ip = mail::IpAddress::parse(address.host);
  if (!ip || (kind == "inet") != (address.host.find(':') == std::string::npos)) {
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

Expected<Listening, std::string> listen_on(const Options& options) {
  const auto fail = [&](const std::string& why) {
    return error("milter socket " + options.socket + ": " + why);
  };
  const auto where = parse_socket(options.socket);
  if (!where) return fail(where.error());
  auto fd = where->unix_path.empty() ? listen_inet({where->host, where->port}, backlog)
                                     : listen_unix({where->unix_path, options.socket_mode,
                                                    options.socket_owner, options.socket_group});
  if (!fd) return fail(fd.error());
  return Listening{std::move(*fd), where->unix_path};
}

}  // namespace sekisho::milter
