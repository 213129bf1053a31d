// setup/this_host.h: the addresses of this host, and those behind which anybody may be: that of the
// default gateway, which stands for the Internet where a router or container engine translates
// addresses, and those of bridges, which stand for their containers.
// Errors: what cannot be read has no addresses. Thread: any; waits for /proc and /sys.
#pragma once

#include <string>
#include <vector>

#include "mail/ip_address.h"

namespace sekisho::setup {

struct HostAddresses {
  std::vector<mail::IpAddress> own;
  std::vector<mail::IpAddress> shared;
};

HostAddresses addresses_of_this_host();

// The gateways of default routes in the text of /proc/net/route.
std::vector<mail::IpAddress> default_gateways(const std::string& route_table);
// The bridges below `folder`, /sys/class/net.
std::vector<std::string> bridges(const std::string& folder);

}  // namespace sekisho::setup
