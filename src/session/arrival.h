// session/arrival.h: what the SMTP front knows of a message and the session does not. The front
// gives it to the Keeping that it has made for its session, and completes it before the end of the
// message; a Keeping reads it within keep().
// Thread: one owner.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/verdict.h"

namespace sekisho::session {

struct Arrival {
  enum class Origin { stranger, relay_host, trusted, permitted, login, local };
  Origin origin = Origin::stranger;
  std::string login;
  std::string protocol;  // "ESMTPSA"
  std::string tls;       // "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"; empty: none
  // The fields that the front itself adds on top (a missing Date), or takes away (Bcc): as edits.
  std::vector<policy::Edit> edits;
  std::size_t received = 0;        // Received fields of the message
  std::size_t received_by_us = 0;  // those that this host wrote: five of them are a loop
};

}  // namespace sekisho::session
