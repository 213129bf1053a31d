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
  return out;
}

}  // namespace

Expected<std::vector<HopAddress>, LookupError> look_up_host(const std::string& host,
                                                            Family family) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  hints.ai_flags = AI_NUMERICHOST;
  const bool numeric = ::getaddrinfo(host.c_str(), nullptr, &hints, &found) == 0;
  hints.ai_flags = 0;
  const int error = numeric ? 0 : ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return tl::unexpected<LookupError>({error == EAI_NONAME, host + ": " + ::gai_strerror(error)});
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, ::freeaddrinfo);
  std::vector<HopAddress> all;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET || each->ai_family == AF_INET6) all.push_back(address_of(*each));
  }
  if (numeric) return all;
  auto usable = arranged(all, family);
  if (usable.empty()) {
    return tl::unexpected<LookupError>(
        {false, host + " has no address of the family that egress.family = " +
                    std::string(to_string(family)) + " allows"});
  }
  return usable;
}

}  // namespace sekisho::relay
