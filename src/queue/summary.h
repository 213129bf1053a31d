// queue/summary.h: what a postmaster must know each day: what is held in queue and quarantine and
// why, and what is out of order.
// Errors: Failure. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/alarms.h"
#include "queue/counts.h"
#include "queue/tables.h"

namespace sekisho::queue {

// What a rule holds in the quarantine.
struct Quarantined {
  std::string rule;
  std::uint64_t messages = 0;
  bool news = false;  // one of them came since the last summary
};
Outcome<std::vector<Quarantined>> quarantined_since(Database& database, WallTime last);

// Lines with CRLF; empty if there is nothing to tell.
std::string summary_text(const Counts& counts, const std::vector<Quarantined>& quarantined,
                         const std::vector<Alarms::Alarm>& alarms, std::string_view hostname);
// Why a recipient is held, as a sentence.
std::string_view sentence_of(Reason reason);

}  // namespace sekisho::queue
