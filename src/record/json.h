// record/json.h: one decision as the JSON object for people and their programs. It is never read
// back, except what versions before 0.2 stored with a held message: from_json().
// Errors: a sentence, when it is not what to_json() writes. Thread: any.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "session/outcome.h"

namespace sekisho::record {

nlohmann::json to_json(const session::Outcome& outcome);

// Reads from the output of to_json() what an entry of the allowlist could name or be proven by, and
// the verdict without its edits. It lacks client, HELO, envelope sender and time.
Expected<session::Outcome, std::string> from_json(const nlohmann::json& record);

}  // namespace sekisho::record
