// session/stage.h: where the dialogue of a session stands, and which event may come in which stage:
// one table, checked before the event is looked at.
// Thread: any; constants.
#pragma once

#include <optional>
#include <string_view>

namespace sekisho::session {

enum class Stage {
  idle,      // no message: before the first MAIL FROM, or between two messages
  envelope,  // MAIL FROM has come; recipients come
  asking,    // a RCPT waits for its answer; nothing else may come
  header,    // fields come
  body,      // the header is complete; the body comes
  deciding,  // the message is here; answers to lookups, or the store's on a release, are awaited
  keeping,   // judged; the answer waits until the message is durable
};

enum class Event { mail_from, rcpt_to, header, end_of_header, body, end_of_message };

// "MAIL FROM".
std::string_view name_of(Event event);
// The stage that the event leads to; nullopt: it may not come now.
std::optional<Stage> after(Stage stage, Event event);

}  // namespace sekisho::session
