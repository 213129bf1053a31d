#include "relay/egress.h"

#include <array>
#include <cstring>

#include <netinet/in.h>

namespace sekisho::relay {

namespace {

const std::string& configured(const Egress& egress, const HopAddress& to) {
  static const std::string none;
  if (mail::is_loopback(to.address)) return none;
  return to.address.is_v4() ? egress.ipv4 : egress.ipv6;
}

std::string address_text(const net::SocketName& name) {
  if (name.family() == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &name.address, sizeof in);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return mail::IpAddress::v4(octets).text();
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &name.address, sizeof in);
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &in.sin6_addr, octets.size());
  return mail::IpAddress::v6(octets).text();
}

template <class Address>
net::SocketName named(const Address& address) {
  net::SocketName name;
  std::memcpy(&name.address, &address, sizeof address);
  name.size = sizeof address;
  return name;
}

}  // namespace

net::SocketName socket_name(const HopAddress& to, std::uint16_t port) {
  const auto& octets = to.address.octets();
  if (to.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    std::memcpy(&address.sin_addr, octets.data(), sizeof address.sin_addr);
    return named(address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  std::memcpy(&address.sin6_addr, octets.data(), sizeof address.sin6_addr);
  address.sin6_scope_id = to.scope;
  return named(address);
}

std::optional<net::SocketName> source_for(const Egress& egress, const HopAddress& to) {
  const auto address = mail::IpAddress::parse(configured(egress, to));
  if (!address) return std::nullopt;
  // A link-local source needs the interface too.
  return socket_name({*address, address->is_v4() ? 0 : to.scope}, 0);
}

std::string source_text(const Egress& egress, const HopAddress& to) {
  const std::string& address = configured(egress, to);
  if (address.empty()) return {};
  return (to.address.is_v4() ? "egress.ipv4 = " : "egress.ipv6 = ") + address;
}

Source source_now(const Egress& egress, const HopAddress& to) {
  if (const auto configured_one = source_for(egress, to))
    return {configured(egress, to), true, net::is_here(*configured_one), {}};
  const auto found = net::source_towards(socket_name(to, 25));
  if (!found) return {{}, false, true, found.error()};
  return {address_text(*found), false, true, {}};
}

}  // namespace sekisho::relay
