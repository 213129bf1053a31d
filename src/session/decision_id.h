// session/decision_id.h: the id of one decision: "K7Q2-4DMX". Short enough to be read out on the
// telephone (Crockford's base 32: no I, L, O, U), unique for a year: seconds and a counter,
// scrambled so that it tells nothing of the traffic. A burst borrows from the seconds to come.
// Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace sekisho::session {

class DecisionIds {
 public:
  DecisionIds();
  std::string next(WallTime now);

 private:
  const std::uint64_t offset_;  // so that two processes of the same second differ
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace sekisho::session
