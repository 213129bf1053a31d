// queue/intake.h: takes messages of the SMTP core into the spool: recipients that a verdict holds
// become rows of the quarantine, accepted ones rows of the queue, in one commit; the session is
// answered when it is durable.
// Errors: session::HoldResult. Thread: any, internally locked.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "session/ports.h"

namespace sekisho::queue {

// What the front knows of a message and the session does not. It gives one to each Keeping it makes
// for a session (Intake::for_session), and completes it before the end of the message.
struct Arrival {
  enum class Origin { stranger, relay_host, trusted, permitted, login, local };
  Origin origin = Origin::stranger;
  std::string login;
  std::string protocol;  // "ESMTPSA", for our Received field
  std::string tls;       // "TLSv1.3 …", for our Received field
  // The fields that the front itself adds on top (a missing Date), or takes away (Bcc): as edits.
  std::vector<policy::Edit> edits;
};

}  // namespace sekisho::queue
