// mail/stamp_date.h: the date of a Received field, as MTAs write it. RFC 5322 §3.3 and §4.3, and
// the deviations that occur: no comma, one digit for the hour, fractions of seconds, the month
// before the day, a zone with a colon. A date without a meaningful zone is no date. Pure.
// Errors: nullopt if the words do not mean one single moment; never throws. Thread: any.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace sekisho::mail {

// The words of the date, comments left out: {"Sat,", "28", "Nov", "2026", "09:00:05", "+0000"}.
std::optional<WallTime> read_date(const std::vector<std::string_view>& words);

}  // namespace sekisho::mail
