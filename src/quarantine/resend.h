// quarantine/resend.h: a held message in the form in which it goes back to the MTA: the proof of
// its release, our Authentication-Results field of the first time (also correct if no filter
// follows), our Received field of that hop, and the message as received, without the fields that
// only claimed to be ours.
// Errors: nothing; never throws but for memory. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "quarantine/envelope.h"
#include "quarantine/store.h"
#include "relay/letter.h"

namespace sekisho::quarantine {

// One field with its folds and line end, from the front of `rest`; empty at the end of the header.
std::string_view take_field(std::string_view& rest);

// `message` without the fields in `removals`, otherwise unchanged.
std::string without_fields(std::string_view message, const std::vector<policy::Edit>& removals);

// Header and body for the MTA.
std::string resent(const Release& release, const Envelope& envelope, std::string_view message);

// The envelope for the MTA. A later failure must not bounce to a possibly forged sender:
// NOTIFY=NEVER, unless `notify`, which keeps what the sender asked for.
relay::Letter letter_for(const Release& release, const Envelope& envelope, bool notify,
                         std::string_view content);

}  // namespace sekisho::quarantine
