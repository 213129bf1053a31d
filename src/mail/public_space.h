// mail/public_space.h: how much of the public address space networks cover. Public is what RFC 6890
// does not reserve; 6to4, Teredo and NAT64 count as public, for they are whole Internets.
// Thread: any.
#pragma once

#include <cstdint>
#include <vector>

#include "mail/prefix_set.h"

namespace sekisho::mail {

// The public IPv4 addresses, or IPv6 networks of /64, that are in any of the sets. A longer IPv6
// prefix counts as its /64.
std::uint64_t public_space(const std::vector<PrefixSet>& sets, IpAddress::Family family);

}  // namespace sekisho::mail
