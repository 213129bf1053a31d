// queue/backscatter.h: whether a bounce may go to the sender of a message: only if the sender has
// proved to be the sender. Decided when the message is accepted.
//   Logins, this host, trusted and permitted clients; else SPF of MAIL FROM that passed by a record
//   which does not allow everybody, or a DKIM signature of the domain of MAIL FROM; or no SPF
//   record
//   at all, and the client is among the domain's A and MX.
// Errors: none. Thread: any.
#pragma once

#include <functional>
#include <string>

#include "mail/ip_address.h"
#include "policy/facts.h"
#include "session/arrival.h"

namespace sekisho::queue {

enum class Bouncing { allowed, refused, ask_dns };
Bouncing may_bounce(const policy::Facts& facts, session::Arrival::Origin origin);

// Whether the address is among the domain's A, AAAA and MX. `done` is called once, on any thread,
// or before the call returns; a DNS that does not answer is a no.
using IsAmong = std::function<void(const std::string& domain, const mail::IpAddress& client,
                                   std::function<void(bool)> done)>;

}  // namespace sekisho::queue
