// control/client.h: asks the running daemon.
// Errors: a sentence for the admin, and whether the daemon was reached at all. Thread: any.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace sekisho::control {

struct AskError {
  std::string what;
  bool unreachable = false;
};

// The daemon's answer: an object whose "ok" is true. A refusal ("ok": false) is an error here.
Expected<nlohmann::json, AskError> ask(const std::string& socket, const nlohmann::json& request);

}  // namespace sekisho::control
