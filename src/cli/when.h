// cli/when.h: a point in time for --since, --until and similar options.
// Thread: any.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace sekisho::cli {

// "2026-11-21", "2026-11-21T09:30:00Z", seconds since 1970, or how long ago: "36h", "2d" (units as
// in the configuration). nullopt for other text.
std::optional<WallTime> parse_when(std::string_view text, WallTime now);

}  // namespace sekisho::cli
