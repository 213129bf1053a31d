// session/hop.h: the Received field of our own hop. The MTA writes it, but not into the message
// that a milter sees. For messages that are kept as received. RFC 5321 §4.4.
// Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "mail/header.h"
#include "policy/facts.h"

namespace sekisho::session {

// How the message came, which a filter does not know: empty there.
struct Transmission {
  std::string protocol;  // "ESMTPSA" (RFC 3848)
  std::string tls;       // "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"
  std::string user;      // of this host, over the Unix socket: "1000"
};

// The value, folded, with its leading blank. `peer`: the host that connected; `by`: this host's
// name.
std::string received_field(const policy::Facts& facts, const policy::Client& peer,
                           std::string_view by, const Transmission& how);

// The first field of that name, unfolded; empty if there is none.
std::string first_field(const mail::Header& header, std::string_view name);

}  // namespace sekisho::session
