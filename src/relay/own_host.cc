#include "relay/own_host.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <ifaddrs.h>
#include <netinet/in.h>

#include "base/ascii.h"

namespace sekisho::relay {

mail::IpAddress unmapped(const mail::IpAddress& address) {
  return address.is_v4() ? address : mail::IpAddress::v6(address.octets());
}

std::set<mail::IpAddress> addresses_of_interfaces() {
  std::set<mail::IpAddress> out;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return out;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, ::freeifaddrs);
  for (const ifaddrs* each = all.get(); each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    if (each->ifa_addr->sa_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
      std::array<std::uint8_t, 4> octets{};
      std::memcpy(octets.data(), &in->sin_addr, octets.size());
      out.insert(mail::IpAddress::v4(octets));
    } else if (each->ifa_addr->sa_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(each->ifa_addr);
      std::array<std::uint8_t, 16> octets{};
      std::memcpy(octets.data(), &in->sin6_addr, octets.size());
      out.insert(mail::IpAddress::v6(octets));
    }
  }
  return out;
}

OwnHost::OwnHost(std::vector<std::string> names, std::set<mail::IpAddress> addresses)
    : names_(std::move(names)), addresses_(std::move(addresses)) {
  names_.emplace_back("localhost");
  for (auto& name : names_) {
    name = ascii::lower(name);
    if (!name.starts_with('[') || !name.ends_with(']')) continue;
    std::string_view literal = std::string_view(name).substr(1, name.size() - 2);
    if (literal.starts_with("ipv6:")) literal.remove_prefix(5);
    if (const auto address = mail::IpAddress::parse(literal)) addresses_.insert(*address);
  }
}

bool OwnHost::is_name(std::string_view name) const {
  if (const auto address = mail::IpAddress::parse(name)) return has(*address);
  const std::string lower = ascii::lower(name);
  return lower.ends_with(".localhost") ||
         std::find(names_.begin(), names_.end(), lower) != names_.end();
}

bool OwnHost::has(const mail::IpAddress& published) const {
  const mail::IpAddress address = unmapped(published);
  const auto& octets = address.octets();
  // 0.0.0.0/8 and `::` reach this host on Linux (RFC 1122 §3.2.1.3).
  if (address.is_v4() && octets[0] == 0) return true;
  const bool unspecified =
      !address.is_v4() &&
      std::all_of(octets.begin(), octets.end(), [](std::uint8_t one) { return one == 0; });
  return unspecified || mail::is_loopback(address) || addresses_.count(address) != 0;
}

}  // namespace sekisho::relay
