// relay/own_host.h: which names and addresses are this host, so that no mail is sent in a circle:
// our names, every address of our interfaces and of `identity.addresses`, loopback, 0.0.0.0/8,
// `::`, and their IPv4-mapped forms. RFC 5321 §5.1.
// Thread: immutable values; of_interfaces() any.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mail/ip_address.h"

namespace sekisho::relay {

class OwnHost {
 public:
  OwnHost() = default;
  // `names`: host names in lower case, and literals ("[192.0.2.1]").
  OwnHost(std::vector<std::string> names, std::set<mail::IpAddress> addresses);

  // A host name without a final dot, or the text of an address.
  bool is_name(std::string_view name) const;
  bool has(const mail::IpAddress& address) const;

 private:
  std::vector<std::string> names_;
  std::set<mail::IpAddress> addresses_;
};

// The addresses of the interfaces of this host at this moment.
std::set<mail::IpAddress> addresses_of_interfaces();

// An IPv4-mapped address as the IPv4 address that it carries.
mail::IpAddress unmapped(const mail::IpAddress& address);

}  // namespace sekisho::relay
