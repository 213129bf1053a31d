// session/keep.h: a judged message that we must keep: the request to the store, and the effect of
// its answer on the outcome.
// Thread: one owner.
#pragma once

#include "session/connected.h"
#include "session/message.h"

namespace sekisho::session {

// Whether the message must be durable before it is answered.
bool must_be_kept(const Outcome& outcome, const Keeping* keeping);

// Takes the draft out of `message`; `outcome` must outlive the request.
KeepRequest keep_request(Message& message, const Connected& connected, const Outcome& outcome,
                         bool keeps_accepted);

// A message that must be kept, and was not, is never accepted: that is the promise of the store.
void apply(const HoldResult& result, const QuarantineOptions& options, bool keeps_accepted,
           Counters& counters, Outcome& outcome);

}  // namespace sekisho::session
