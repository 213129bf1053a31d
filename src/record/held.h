// record/held.h: the decision for which a message is held, as stored with it: the record of codec.h
// without the inputs, in base64, so that a message file stays text.
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
  // False for a message held by a version before 0.2: its client, HELO, envelope and time were not
  // stored with the decision, and must be taken from the row.
  bool complete = true;
};
Expected<HeldDecision, std::string> read_held(std::string_view text);

// The same as the JSON for people; JSON stored by an older version is returned unchanged.
Expected<nlohmann::json, std::string> held_json(std::string_view text);

}  // namespace sekisho::record
