// policy/allow_proposal.h: the narrowest entry that would let a message through and that this
// message itself can prove: the author with its own proof, or with that of a service that vouches
// for it; only a mailing list gets an entry for itself. Pure: no I/O, no clock.
// Errors: the reason why there is none. Thread: any.
#pragma once

#include <string>

#include "base/result.h"
#include "policy/access_entry.h"
#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::policy {

struct Proposal {
  AccessEntry entry;
  std::string reason;   // the part of the message that proves it
  std::string caution;  // what else it lets through
  std::string other;    // an alternative, and when to prefer it; may be empty
};

// `decision`: what was done with it; the entry allows what that rule forbade, and nothing else.
Expected<Proposal, std::string> propose(const Facts& facts, const Decision& decision);

}  // namespace sekisho::policy
