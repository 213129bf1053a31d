#include "relay/host_lookup.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>

#include "relay/mx.h"

namespace sekisho::relay {

namespace {

HopAddress address_of(const addrinfo& found) {
  if (found.ai_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, found.ai_addr, sizeof in);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return {mail::IpAddress::v4(octets), 0};
  }
  sockaddr_in6 in{};
  std::memcpy(&in, found.ai_addr, sizeof in);
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &in.sin6_addr, octets.size());
  return {mail::IpAddress::v6(octets), in.sin6_scope_id};
}

std::vector<HopAddress> arranged(const std::vector<HopAddress>& all, Family family) {
  std::vector<mail::IpAddress> addresses;
  for (const auto& one : all) addresses.push_back(one.address);
  std::vector<HopAddress> out;
  for (const auto& address : in_order(addresses, family)) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& one) { return one.address == address; });
    if (std::find(out.begin(), out.end(), *found) == out.end()) out.push_back(*found);
  }
  // The family is that of what leaves this host.
  for (const auto& one : all) {
    if (mail::is_loopback(one.address) && std::find(out.begin(), out.end(), one) == out.end())
      out.push_back(one);
  }
  return out;
}

struct Found {
  int error = 0;
  std::vector<HopAddress> addresses;
};

Found ask_system(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
    return {error, {}};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, ::freeaddrinfo);
  Found out;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET || each->ai_family == AF_INET6)
      out.addresses.push_back(address_of(*each));
  }
  return out;
}

}  // namespace

std::optional<std::vector<HopAddress>> numeric_host(const std::string& host) {
  auto found = ask_system(host, AI_NUMERICHOST);
  if (found.error != 0) return std::nullopt;
  return std::move(found.addresses);
}

Expected<std::vector<HopAddress>, LookupError> look_up_host(const std::string& host,
                                                            Family family) {
  if (auto numeric = numeric_host(host)) return *std::move(numeric);
  const auto found = ask_system(host, 0);
  if (found.error != 0) {
    return tl::unexpected<LookupError>(
        {found.error == EAI_NONAME, host + ": " + ::gai_strerror(found.error)});
  }
  auto usable = arranged(found.addresses, family);
  if (usable.empty()) {
    return tl::unexpected<LookupError>(
        {false, host + " has no address of the family that egress.family = " +
                    std::string(to_string(family)) + " allows"});
  }
  return usable;
}

}  // namespace sekisho::relay
