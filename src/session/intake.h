// session/intake.h: takes the parts of a message in as they arrive: what they say goes into the
// facts, and what must be looked up for them is asked at once.
// Errors: an exception becomes the failure of this message. Thread: one owner.
#pragma once

#include <string>

#include "session/connected.h"
#include "session/message.h"
#include "session/session.h"

namespace sekisho::session {

// Before there is a message: what its client will need in any case.
void ask_of_client(Message& early, const policy::Client& client);
void ask_of_helo(Message& early, const Connected& connected);

// MAIL FROM.
void start_message(Message& message, const Connected& connected, MailFrom from,
                   policy::Exemption exemption, std::string id, WallTime now);
// What can be looked up of client and envelope. `begun`: ask_of_client() has been called for it.
void evaluate_client(Message& message, const Connected& connected, bool begun);

// The header is complete. Behind a relay of ours the client is found in it.
void evaluate_header(Message& message, const Connected& connected);

}  // namespace sekisho::session
