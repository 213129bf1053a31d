// record/held.h: the decision that holds a message, as it is kept with the message: the record of
// codec.h without what the decision was made from, in base64, so that a message file stays text.
// Errors: a sentence for a person. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "session/outcome.h"

namespace sekisho::record {

std::string write_held(const session::Outcome& outcome);

struct HeldDecision {
  session::Outcome outcome;
  // False of a message that a version before 0.2 held: its client, HELO, envelope and time were not
  // stored with the decision, and must be taken from the row.
  bool complete = true;
};
Expected<HeldDecision, std::string> read_held(std::string_view text);

// The same as the JSON for people; what an older version stored as that JSON is as it was.
Expected<nlohmann::json, std::string> held_json(std::string_view text);

}  // namespace sekisho::record
