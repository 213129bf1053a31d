// client/options.h: the DNS lists that are asked. [[dnsbl]], [[rhsbl]], [[dnswl]]: the effect of a
// hit stands in policy/rules.h, under the same name.
// Thread: immutable values.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "client/dns_list_codes.h"
#include "client/result.h"

namespace sekisho::client {

struct DnsListDefinition {
  std::string name;  // the name in logs, replies and counters
  DnsListKind kind = DnsListKind::dnsbl;
  DnsListZone list;  // never shown: it may hold an access key
  std::string file;  // where `list` was read from; empty: it stood in the configuration
  // For a list of domains: which domains are looked up. A list of addresses gets the client's
  // address.
  std::vector<DnsListOn> on{DnsListOn::helo, DnsListOn::sender, DnsListOn::client_name,
                            DnsListOn::from, DnsListOn::dkim};
  bool self_test = true;  // the list has the test entries of RFC 5782 §5

  // Whether it is asked about domains of this origin.
  bool holds(DnsListOn origin) const {
    return holds_domains(kind) && std::find(on.begin(), on.end(), origin) != on.end();
  }
};

struct Options {
  std::vector<DnsListDefinition> lists;  // names are unique
};

}  // namespace sekisho::client
