// queue/counts.h: how many recipients wait, for the metrics, `status` and the daily summary.
// Thread: immutable values.
#pragma once

#include <cstdint>

#include "base/words.h"
#include "queue/state.h"

namespace sekisho::queue {

struct Counts {
  std::uint64_t messages = 0;
  By<State, std::uint64_t> by_state{0};
  By<Reason, std::uint64_t> waiting_for{0};  // of those that wait
  By<Reason, std::uint64_t> held_for{0};
  std::chrono::seconds oldest{};         // since the oldest message arrived
  std::uint64_t attempts_under_way = 0;  // jobs
  // Since the start.
  std::uint64_t sent = 0;
  std::uint64_t bounced = 0;
  std::uint64_t deferred = 0;
};

}  // namespace sekisho::queue
