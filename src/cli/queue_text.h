// cli/queue_text.h: messages of the queue as text and as JSON.
// Errors: none. Thread: any.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "queue/message.h"

namespace sekisho::cli {

// Why it waits or is held: "deferred: connect to …: Connection refused".
std::string why_it_waits(const queue::Recipient& to);

// {"id","from","size","arrived","recipients":[{"to","state","reason","next","reply"}]}.
// `active`: an attempt is under way.
nlohmann::json queue_json(const queue::Message& message, bool active);

// A line for the message, and one for each recipient.
std::string queue_lines(const queue::Message& message, bool active);

// The page of one message, with its last dialogues.
std::string queue_page(const queue::Message& message, bool active);

}  // namespace sekisho::cli
