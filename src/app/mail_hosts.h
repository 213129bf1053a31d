// app/mail_hosts.h: whether an address belongs to the hosts of a domain: its A and AAAA, and those
// of its MX. RFC 7208 has the same idea as "a mx". Asked of the DNS, all at once.
// Errors: a DNS that does not answer is a no. Thread: any; `done` is called once, on the resolver's
// thread, or before the call returns.
#pragma once

#include <functional>
#include <string>

#include "dns/resolver.h"
#include "mail/ip_address.h"

namespace sekisho::app {

// MX hosts that are asked for. RFC 7208 §4.6.4 has the same limit.
inline constexpr std::size_t most_mail_hosts = 10;

void ask_mail_hosts(dns::Resolver& resolver, const std::string& domain,
                    const mail::IpAddress& client, std::function<void(bool)> done);

}  // namespace sekisho::app
