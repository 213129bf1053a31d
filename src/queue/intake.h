// queue/intake.h: takes messages of the SMTP core into the spool: recipients that a verdict holds
// become rows of the quarantine, accepted ones rows of the queue, in one commit; the session is
// answered when it is durable.
// Errors: session::HoldResult. Thread: any, internally locked.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "session/arrival.h"
#include "session/ports.h"

namespace sekisho::queue {

using session::Arrival;

}  // namespace sekisho::queue
