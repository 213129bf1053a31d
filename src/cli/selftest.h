// cli/selftest.h: `sekisho selftest relay`: who may send where, computed from the configuration by
// the daemon's own map of routes and permits: strangers, each network and permit, logins and this
// host, to each domain that the configuration names, to a name below it, and to anywhere.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>
#include <vector>

#include "relay/map.h"

namespace sekisho::cli {

struct SelftestRequest {
  std::string config;  // empty: the system's
  bool json = false;
};

int selftest_relay(const SelftestRequest& request);

// One cell of the matrix.
struct RelayCase {
  std::string from;  // "a stranger, 198.51.100.77"
  std::string to;    // "example.jp"
  relay::Reach reach;
  bool is_stranger = false;
  bool is_anywhere = false;
};
std::vector<RelayCase> relay_cases(const relay::Map& map);

}  // namespace sekisho::cli
