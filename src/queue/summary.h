// queue/summary.h: what a postmaster must know each day: what is held and why, and what is out of
// order.
// Errors: none. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/alarms.h"
#include "queue/counts.h"

namespace sekisho::queue {

// Lines with CRLF; empty if there is nothing to tell.
std::string summary_text(const Counts& counts, const std::vector<Alarms::Alarm>& alarms,
                         std::string_view hostname);
// Why a recipient is held, as a sentence.
std::string_view sentence_of(Reason reason);

}  // namespace sekisho::queue
