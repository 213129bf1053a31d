// cli/queue_text.h: messages of the queue as text and as JSON.
// Errors: none. Thread: any.
#pragma once

#include <map>
#include <set>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "queue/message.h"

namespace sekisho::cli {

// Why it waits or is held: "deferred: connect to …: Connection refused".
std::string why_it_waits(const queue::Recipient& to);

// What only the daemon knows: the ids with an attempt under way, and of what is out of order
// (Progress::fault) since when, and when one of those that are held for it tries again.
struct QueueNow {
  struct Fault {
    std::string since;
    std::string next;
  };
  std::set<std::string> active;
  std::map<std::string, Fault> faults;
};

// {"id","from","size","arrived","recipients":[{"to","state","reason","next","reply"}]}; "since" too
// for what waits for a fault of this side.
nlohmann::json queue_json(const queue::Message& message, const QueueNow& now);

// A line for the message, and one for each recipient.
std::string queue_lines(const queue::Message& message, const QueueNow& now);

// The page of one message, with its last dialogues.
std::string queue_page(const queue::Message& message, const QueueNow& now);

}  // namespace sekisho::cli
