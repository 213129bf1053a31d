// relay/mx_lookup.h: the next hops of a domain, and what becomes of each of its MX, for a command.
// Errors: are results. Thread: any; waits for the DNS, within its budget of time.
#pragma once

#include <vector>

#include "dns/options.h"
#include "dns/resolver.h"
#include "relay/mx.h"

namespace sekisho::relay {

// The addresses of all hosts that are tried at most, MX and both of their families: no domain
// makes us ask more.
inline constexpr std::size_t max_questions_of_hops = 64;

struct LookedUp {
  NextHops hops;
  std::vector<ListedHost> listed;
};
LookedUp look_up_hops(dns::Resolver& resolver, const dns::Options& dns,
                      const mail::DomainName& domain, const MxOptions& mx);

}  // namespace sekisho::relay
