// relay/mx.h: the next hops of a domain: its MX in order of preference, in random order within one,
// with their addresses. RFC 5321 §5.1, 7505 (null MX). Pure: reads the answers known so far.
//   auto hops = next_hops(domain, options, inquiry.answers());
//   if (!hops.done()) … ask hops.needed …
// Errors: are results. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dns/answers.h"
#include "mail/domain_name.h"
#include "relay/options.h"
#include "relay/own_host.h"

namespace sekisho::relay {

// An attempt takes 30 s for an address that does not answer, and others wait behind it: Postfix
// tries five addresses.
inline constexpr std::size_t max_hosts = 5;
inline constexpr std::size_t max_addresses_of_host = 2;  // of each family

struct NextHost {
  std::string name;  // for the log and the certificate
  std::vector<mail::IpAddress> addresses;
  bool operator==(const NextHost&) const = default;
};

struct NextHops {
  enum class Code {
    found,
    null_mx,     // the domain takes no mail
    no_domain,   // there is no such domain, or it has neither MX nor address
    loop,        // the best host is this one
    no_address,  // no host has an address that we may use, or the DNS does not tell
  };
  Code code = Code::no_address;
  std::vector<NextHost> hosts;
  std::string why;
};

class Map;

struct MxOptions {
  Family family = Family::prefer_ipv4;
  OwnHost own;
  std::uint64_t seed = 0;  // for the order within a preference
};

// By the names of this host, and the addresses that its interfaces have now.
MxOptions mx_options(const Map& map, Family family);

dns::Evaluation<NextHops> next_hops(const mail::DomainName& domain, const MxOptions& options,
                                    const dns::Answers& answers);

// What becomes of an MX, for people.
struct ListedHost {
  std::uint16_t preference = 0;
  std::string name;
  std::vector<mail::IpAddress> addresses;
  std::string left_out;  // why it is not tried; empty: it is
  bool operator==(const ListedHost&) const = default;
};
// All that the DNS lists, in the order of next_hops(), by the same answers; without MX none.
std::vector<ListedHost> listed_hosts(const mail::DomainName& domain, const MxOptions& options,
                                     const dns::Answers& answers);

// The addresses that the family allows, in the order in which they are tried; of each family at
// most max_addresses_of_host.
std::vector<mail::IpAddress> in_order(const std::vector<mail::IpAddress>& addresses, Family family);
bool allows_v4(Family family);
bool allows_v6(Family family);

}  // namespace sekisho::relay
