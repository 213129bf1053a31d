// client/options.h: the DNS lists that are asked. [[dnsbl]], [[rhsbl]], [[dnswl]]: what a hit leads
// to stands in policy/rules.h, under the same name. Thread: immutable values.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "client/dns_list_codes.h"
#include "client/result.h"

namespace sekisho::client {

struct DnsListDefinition {
  std::string name;  // what logs, replies and counters say
  DnsListKind kind = DnsListKind::dnsbl;
  DnsListZone list;  // never shown: it may hold an access key
  std::string file;  // where `list` was read from; empty: it stood in the configuration
  // What is looked up: the client's address, or these in a list that holds domains.
  std::vector<DnsListOn> on{DnsListOn::helo, DnsListOn::sender, DnsListOn::client_name,
                            DnsListOn::from, DnsListOn::dkim};
  bool self_test = true;  // has the test entries of RFC 5782 §5

  // Whether it is asked about domains of this origin.
  bool holds(DnsListOn origin) const {
    return holds_domains(kind) && std::find(on.begin(), on.end(), origin) != on.end();
  }
};

struct Options {
  std::vector<DnsListDefinition> lists;  // names are unique
};

}  // namespace sekisho::client
