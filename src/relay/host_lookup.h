// relay/host_lookup.h: the addresses of a next hop that is written in brackets, as the system
// resolves names: /etc/hosts, DNS, "fe80::1%eth0". getaddrinfo(3).
// Errors: a sentence. Thread: any; may wait for the system's resolver.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "relay/egress.h"

namespace sekisho::relay {

struct LookupError {
  bool permanent = false;  // there is no such name
  std::string what;
};

// In the order of the family; for an address, that alone, whatever the family: it was written so.
Expected<std::vector<HopAddress>, LookupError> look_up_host(const std::string& host, Family family);

// Without waiting: only an address is one of a host that is written as such; nullopt: it is a name.
std::optional<std::vector<HopAddress>> numeric_host(const std::string& host);

}  // namespace sekisho::relay
