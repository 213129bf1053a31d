// cli/relay_test.h: `sekisho relay test`: talks to a next hop as the daemon would, by the same
// conversation, TLS, login and egress, up to RCPT and RSET: nothing is sent. Prints the dialogue,
// what is wrong, and what to do.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>

#include "relay/transport.h"

namespace sekisho::cli {

struct RelayTestRequest {
  std::string what;    // a domain, an address, HOST:PORT, or the host of a route as in `via`
  std::string from;    // empty: the postmaster's address
  std::string to;      // empty: postmaster at the domain
  std::string config;  // empty: the system's
  bool json = false;
};

int relay_test(const RelayTestRequest& request);

// What an admin can do about a result; empty where there is nothing wrong.
std::string advice_for(const relay::Result& result);

}  // namespace sekisho::cli
