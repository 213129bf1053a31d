// relay/egress.h: from which local address a next hop is reached, and the socket addresses of both.
// A given address that is not there is never replaced by another. Loopback and Unix sockets are
// reached from wherever the system chooses.
// Errors: none here; binding tells. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mail/ip_address.h"
#include "net/connect.h"
#include "relay/options.h"

namespace sekisho::relay {

// One address of a next hop with its zone: "fe80::1" on "eth0".
struct HopAddress {
  mail::IpAddress address;
  unsigned scope = 0;  // the number of an interface (RFC 4007 §6)

  bool operator==(const HopAddress&) const = default;
};

net::SocketName socket_name(const HopAddress& address, std::uint16_t port);

// The configured source for this hop; nullopt: the system chooses. For a scoped hop it then chooses
// the link-local address of that interface.
std::optional<net::SocketName> source_for(const Egress& egress, const HopAddress& to);

// "egress.ipv6 = 2001:db8::1", for the text of an alarm; empty: none is configured.
std::string source_text(const Egress& egress, const HopAddress& to);

// What a connection there comes from at this moment, for people.
struct Source {
  std::string address;  // empty: the system knows no way there
  bool configured = false;
  bool here = true;     // this host has it
  std::string why_not;  // "Network is unreachable"
};
Source source_now(const Egress& egress, const HopAddress& to);

}  // namespace sekisho::relay
