#include "setup/this_host.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

#include <ifaddrs.h>
#include <net/route.h>
#include <netinet/in.h>

namespace sekisho::setup {
namespace {

using mail::IpAddress;

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return IpAddress::v4(octets);
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, address, sizeof in);
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &in.sin6_addr, octets.size());
  return IpAddress::v6(octets);
}

// The file shows the octets of an address as one number of this machine.
IpAddress from_number(std::uint32_t number) {
  std::array<std::uint8_t, 4> octets{};
  std::memcpy(octets.data(), &number, octets.size());
  return IpAddress::v4(octets);
}

std::string contents(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

//   Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
std::vector<IpAddress> default_gateways(const std::string& route_table) {
  std::vector<IpAddress> out;
  std::istringstream lines(route_table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string interface;
    std::string skipped;
    std::uint32_t destination = 0;
    std::uint32_t gateway = 0;
    std::uint32_t flags = 0;
    std::uint32_t mask = 0;
    in >> interface >> std::hex >> destination >> gateway >> flags >> skipped >> skipped >>
        skipped >> mask;
    if (!in || destination != 0 || mask != 0 || (flags & RTF_GATEWAY) == 0) continue;
    const auto address = from_number(gateway);
    if (std::find(out.begin(), out.end(), address) == out.end()) out.push_back(address);
  }
  return out;
}

std::vector<std::string> bridges(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    std::error_code ignored;
    if (std::filesystem::is_directory(entry.path() / "bridge", ignored)) {
      out.push_back(entry.path().filename().string());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

HostAddresses addresses_of_this_host() {
  HostAddresses out;
  out.shared = default_gateways(contents("/proc/net/route"));
  const auto all_bridges = bridges("/sys/class/net");
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return out;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, ::freeifaddrs);
  for (const ifaddrs* each = all.get(); each != nullptr; each = each->ifa_next) {
    const auto address = address_of(each->ifa_addr);
    if (!address) continue;
    out.own.push_back(*address);
    const bool bridge =
        std::find(all_bridges.begin(), all_bridges.end(), each->ifa_name) != all_bridges.end();
    if (bridge) out.shared.push_back(*address);
  }
  return out;
}

}  // namespace sekisho::setup
