// base/clock_looks.h: whether what wall time says to be too old may be removed now. A wall clock
// jumps (a flat battery, a virtual machine that slept, a wrong hand); the monotonic clock of one
// boot does not. So nothing is removed before two looks that agree: as much time between them by
// one clock as by the other. And what would remove more than a tenth of all at once waits longer
// still, with a word to the admin. Pure: the times come in. Thread: one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace sekisho {

struct ClockLook {
  WallTime wall;
  SteadyTime steady;
  std::string boot;  // steady times of different boots cannot be compared
};

ClockLook look_at_clocks();

class ClockLooks {
 public:
  // Between two looks that agree. A clock that is set by the network is right within minutes of the
  // boot.
  static constexpr std::chrono::minutes apart{10};
  // How far the clocks may part between two looks: a step of the time service, not a jump.
  static constexpr std::chrono::minutes agree_within{5};
  // What is more than a tenth of all waits so long, from when it is first seen: for somebody who
  // reads the log.
  static constexpr std::chrono::hours many_wait{6};
  static constexpr std::uint64_t many = 10;  // a tenth

  enum class Answer {
    go,
    first,   // it has not been looked at twice yet, or not for long enough
    jumped,  // the clocks disagree: it begins anew
    many,    // more than a tenth: it waits
  };
  // `due` of `all` are too old by this look.
  Answer look(const ClockLook& now, std::uint64_t due, std::uint64_t all);

  struct State {
    ClockLook last;
    SteadyTime since;  // the first look of those that agree
    std::optional<SteadyTime> many_since;
  };
  // Where looks are remembered beyond this process.
  const std::optional<State>& state() const { return state_; }
  void remember(State state) { state_ = std::move(state); }

 private:
  std::optional<State> state_;
};

}  // namespace sekisho
