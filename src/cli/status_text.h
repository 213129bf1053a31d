// cli/status_text.h: the daemon's answer to "status" for a person, in 80 columns. Texts are
// escaped.
// Thread: any.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace sekisho::cli {

std::string status_text(const nlohmann::json& answer);

}  // namespace sekisho::cli
