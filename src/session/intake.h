// session/intake.h: takes the parts of a message as they arrive, adds them to the facts, and starts
// the lookups for them at once.
// Errors: an exception becomes the failure of this message. Thread: one owner.
#pragma once

#include <string>

#include "session/connected.h"
#include "session/message.h"
#include "session/session.h"

namespace sekisho::session {

// Before there is a message: starts the lookups for its client.
void ask_of_client(Message& early, const policy::Client& client);
void ask_of_helo(Message& early, const Connected& connected);

// MAIL FROM.
void start_message(Message& message, const Connected& connected, MailFrom from,
                   policy::Exemption exemption, std::string id, WallTime now);
// Starts the lookups for client and envelope. `begun`: ask_of_client() has been called for it.
void evaluate_client(Message& message, const Connected& connected, bool begun);

// The header is complete. Behind one of our relays, finds the client in it.
void evaluate_header(Message& message, const Connected& connected);

}  // namespace sekisho::session
