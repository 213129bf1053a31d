#include "smtp/listener.h"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/inet_socket.h"
#include "mail/ip_address.h"
#include "net/loop.h"

namespace sekisho::smtp {

namespace {

std::size_t connections_allowed(std::size_t most) {
  if (most > 0) return most;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Front::usual_connections;
  const auto all = static_cast<std::size_t>(limit.rlim_cur);
  const auto reserved = std::min(Front::other_descriptors, all / 2);
  return std::min(Front::usual_connections, all - reserved);
}

struct SocketPeer {
  std::optional<mail::IpAddress> address;
  std::uint16_t port = 0;
};

SocketPeer peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &v4.sin_addr, octets.size());
    return {mail::IpAddress::v4(octets), ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
    return {mail::IpAddress::v6(octets), ntohs(v6.sin6_port)};
  }
  return {};
}

std::optional<std::uint32_t> user_of(int fd) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return std::nullopt;
  return credentials.uid;
}

constexpr const char* proxy_itself =
    "Error: this is a proxy of ours, which has not named its client";

}  // namespace

Expected<std::vector<std::string>, std::string> sockets_of(const Listener& listener) {
  std::vector<std::string> out;
  for (const auto& text : addresses_of(listener)) {
    const auto address = parse_inet_address(text);
    if (!address) return tl::unexpected<std::string>("listener " + text + ": " + address.error());
    out.push_back((address->is_v6() ? "inet6:" : "inet:") + std::to_string(address->port) + "@" +
                  address->host);
  }
  return out;
}

Front::Front(Services& services, net::Loops& loops, std::size_t most)
    : services_(services),
      most_(connections_allowed(most)),
      server_("smtp", loops, services.log, most_ + told) {}

Expected<void, std::string> Front::open(const std::vector<Listener>& listeners,
                                        const std::string& local_path) {
  std::vector<net::Server::Socket> all;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const auto sockets = sockets_of(listeners[i]);
    if (!sockets) return tl::unexpected<std::string>(sockets.error());
    for (const auto& socket : *sockets) {
      all.push_back({{.socket = socket}, [this, profile = listeners[i].profile, i](net::Link link) {
                       return make(std::move(link), profile, i);
                     }});
    }
  }
  if (!local_path.empty()) {
    // Everybody on this host may send; who it is, the socket says.
    all.push_back({{.socket = "unix:" + local_path, .mode = 0666},
                   [this, local = listeners.size()](net::Link link) {
                     return make(std::move(link), Profile::local, local);
                   }});
  }
  return server_.open(all);
}

std::size_t Front::connections() const { return services_.counters.open_connections; }

std::shared_ptr<net::Peer> Front::make(net::Link link, Profile profile, std::size_t listener) {
  Connection::Peer peer;
  peer.client.profile = profile;
  peer.client.listener = listener;
  if (profile == Profile::local) {
    peer.client.user = user_of(link.fd.get());
  } else {
    const auto from = peer_of(link.fd.get());
    if (!from.address) return nullptr;  // it has gone already
    peer.client.address = from.address;
    peer.client.port = from.port;
    const auto site = services_.sites.now();
    const auto kind = site->listeners.at(listener).proxies.kind_of(*from.address);
    peer.proxied = kind == Proxies::Kind::proxy;
    peer.client.xclient = kind == Proxies::Kind::xclient;
    if (kind != Proxies::Kind::none) peer.client.may_not_send = proxy_itself;
  }
  peer.no_room = services_.counters.open_connections >= most_;
  return std::make_shared<Connection>(std::move(link), services_, std::move(peer));
}

}  // namespace sekisho::smtp
