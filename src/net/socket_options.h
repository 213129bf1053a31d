// net/socket_options.h: the family of a socket, and how TCP treats small packets. Each does nothing
// where the system does not know the option.
// Thread: any.
#pragma once

namespace sekisho::net {

// AF_UNIX, AF_INET or AF_INET6.
int family_of(int socket);
// TCP_NODELAY: an answer is sent although the one before has not been acknowledged.
void send_at_once(int socket);
// TCP_QUICKACK: the kernel of a peer that sends small packets without an answer to each holds each
// back until the one before is acknowledged, and ours would acknowledge after 40 ms. The option
// holds for one read only.
void acknowledge_at_once(int socket);

}  // namespace sekisho::net
