// session/decision_id.h: the id of one decision: "K7Q2-4DMX". Short enough to be read out on the
// telephone (Crockford's base 32: no I, L, O, U), unique for a year: the time in 32,768ths of a
// second, each used once, scrambled so that it reveals nothing about the traffic. A burst borrows
// from future time. A restart begins with a later time and so repeats no id, unless the clock was
// set back: then call after().
// Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace sekisho::session {

class DecisionIds {
 public:
  using Time = std::chrono::system_clock::time_point;
  std::string next(Time now);
  // From now on only ids of later times than this.
  void after(Time time);

 private:
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace sekisho::session
