// session/connected.h: who is connected, as long as the connection lasts, and what that means under
// a configuration: whether its mail is evaluated, and by which name we answer it.
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
  // The MTA eats one space after the colon of a field, and the front has put one back.
  bool blanks_lost = false;

  policy::Exemption exemption(const Snapshot& snapshot, bool authenticated) const;
  // Handed over by a relay of ours: who the client was stands in its Received field.
  bool behind_relay(const Snapshot& snapshot) const;
  std::string own_name(const Snapshot& snapshot) const;
  // What our MTA may complete a bare name with.
  std::vector<std::string> own_domains(const Snapshot& snapshot) const;
};

}  // namespace sekisho::session
