// session/results.h: the changes that a verdict makes to the header of a message, as one step after
// the verdict: fields that only claim to be ours are removed, then our Authentication-Results, the
// disposition and the seal are inserted. RFC 8601 §5, §2.7.
// The seal covers From, Date and Message-ID, which are never removed, so it reads the header as it
// was received. A proof of other fields (a signature) must see the removals and insertions first.
// Errors: an exception. Thread: one owner.
#pragma once

#include <vector>

#include "session/connected.h"
#include "session/message.h"
#include "session/seal.h"

namespace sekisho::session {

// Sets authentication_results, and the edits where the message is delivered. `seal`: nullptr when
// there is no secret.
void write_results(const Message& message, const Connected& connected, const Seal* seal,
                   Outcome& outcome);

// The removals of fields that claim to be ours, from the last to the first.
std::vector<policy::Edit> forged_removals(const Message& message);

}  // namespace sekisho::session
