// session/connected.h: the client of a connection, and what a configuration says about it: whether
// its mail is evaluated, and under which name we answer.
// Thread: one owner; the functions are pure.
#pragma once

#include <string>
#include <vector>

#include "policy/facts.h"
#include "session/engine.h"

namespace sekisho::session {

struct Connected {
  policy::Role role = policy::Role::mx;
  policy::Client client = {};
  std::string mta_name = {};  // what the MTA calls itself (macro j); may be empty
  // The MTA removes one space after the colon of a field, and the front has put one back.
  bool blanks_lost = false;

  policy::Exemption exemption(const Snapshot& snapshot, bool authenticated) const;
  // The client is one of our relays: the real client stands in its Received field.
  bool behind_relay(const Snapshot& snapshot) const;
  std::string own_name(const Snapshot& snapshot) const;
  // The domains with which our MTA may complete a bare name.
  std::vector<std::string> own_domains(const Snapshot& snapshot) const;
};

}  // namespace sekisho::session
