// queue/counts.h: how many recipients wait, for the metrics, `status` and the daily summary.
// Thread: immutable values.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "base/words.h"
#include "queue/state.h"

namespace sekisho::queue {

// Messages that are older than that, in seconds: a hop that is slow, one that is away, and mail
// that will be given up.
inline constexpr std::array<std::int64_t, 6> ages = {60,          5 * 60,       60 * 60,
                                                     4 * 60 * 60, 24 * 60 * 60, 3 * 24 * 60 * 60};

// Results of attempts, a recipient each.
struct Ended {
  std::uint64_t sent = 0;
  std::uint64_t bounced = 0;
  std::uint64_t deferred = 0;
  bool operator==(const Ended&) const = default;
};
// Where no [[route]] is for: never the name of a domain.
inline constexpr const char* by_mx = "by MX";

struct Counts {
  std::uint64_t messages = 0;
  By<State, std::uint64_t> by_state{0};
  By<Reason, std::uint64_t> waiting_for{0};  // of those that wait
  By<Reason, std::uint64_t> held_for{0};
  std::chrono::seconds oldest{};                   // since the oldest message arrived
  std::array<std::uint64_t, ages.size()> older{};  // than each of `ages`
  std::uint64_t attempts_under_way = 0;            // jobs
  // Since the start.
  std::uint64_t sent = 0;
  std::uint64_t bounced = 0;
  std::uint64_t deferred = 0;
  // By the first domain of their [[route]]; they add up to those above.
  std::map<std::string, Ended> by_route{};
};

}  // namespace sekisho::queue
