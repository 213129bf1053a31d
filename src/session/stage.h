// session/stage.h: the stages of the dialogue of a session, and the events that are allowed in
// each: one table, checked before the event is handled.
// Thread: any; constants.
#pragma once

#include <optional>
#include <string_view>

namespace sekisho::session {

enum class Stage {
  idle,      // no message: before the first MAIL FROM, or between two messages
  envelope,  // MAIL FROM was received; recipients follow
  asking,    // a RCPT waits for its answer; no other event is allowed
  header,    // header fields follow
  body,      // the header is complete; the body follows
  deciding,  // the message is complete; waits for lookups, or for the store's answer on a release
  keeping,   // judged; the answer waits until the message is durable
};

enum class Event { mail_from, rcpt_to, header, end_of_header, body, end_of_message };

// "MAIL FROM".
std::string_view name_of(Event event);
// The stage that the event leads to; nullopt if it is not allowed now.
std::optional<Stage> after(Stage stage, Event event);

}  // namespace sekisho::session
