// cli/route.h: `sekisho route`: which line of the configuration mail for an address goes by, who
// may send there, whether there is such a recipient, and how the mail would leave now, and why.
// Asks the DNS, and no server.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>

namespace sekisho::cli {

struct RouteRequest {
  std::string address;  // an address or a domain
  std::string config;   // empty: the system's
  bool json = false;
};

int route(const RouteRequest& request);

}  // namespace sekisho::cli
