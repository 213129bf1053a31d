// cli/route.h: `sekisho route`: which line of the configuration mail for an address goes by, and
// who may send there. Asks no server and no DNS.
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
