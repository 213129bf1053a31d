// base/clock.h: the two clocks, and how times are written. Evaluators get the time as an argument.
// Wall time is for time stamps and for times in messages (x=, t=); steady time for every wait and
// limit.
// Thread: any.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho {

using WallTime = std::chrono::sys_seconds;
using SteadyTime = std::chrono::steady_clock::time_point;

WallTime wall_now();
SteadyTime steady_now();

// "2026-11-21T09:30:00Z".
std::string to_iso8601(WallTime time);
// "Sat, 21 Nov 2026 09:30:00 +0000" (RFC 5322 §3.3).
std::string to_rfc5322(WallTime time);
// ISO 8601 in UTC ("2026-11-21T09:30:00Z", "2026-11-21") or seconds since 1970; nullopt for other
// text.
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace sekisho
