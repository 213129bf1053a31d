// base/clock_looks.h: whether items that are too old by wall time may be removed now. A wall clock
// may jump (a flat battery, a virtual machine that slept, a mistake); the monotonic clock of one
// boot does not. So nothing is removed before two looks at the clocks that agree: the same time has
// passed by both. A removal of more than a tenth of all at once waits longer, with a warning. Pure:
// the times are arguments.
// Thread: one owner.
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
  // The time between two looks that agree. A clock set by the network is right within minutes of
  // boot.
  static constexpr std::chrono::minutes apart{10};
  // How much the clocks may differ between two looks: a step of the time service, not a jump.
  static constexpr std::chrono::minutes agree_within{5};
  // More than a tenth of all waits this long after it is first seen, so that somebody can read the
  // log.
  static constexpr std::chrono::hours many_wait{6};
  static constexpr std::uint64_t many = 10;  // a tenth

  enum class Answer {
    go,
    first,   // no two looks yet, or not far enough apart
    jumped,  // the clocks disagree: begin anew
    many,    // more than a tenth: it waits
  };
  // `due` of `all` items are too old by this look.
  Answer look(const ClockLook& now, std::uint64_t due, std::uint64_t all);

  struct State {
    ClockLook last;
    SteadyTime since;  // the first of the agreeing looks
    std::optional<SteadyTime> many_since;
  };
  // The state to keep beyond this process.
  const std::optional<State>& state() const { return state_; }
  void remember(State state) { state_ = std::move(state); }

 private:
  std::optional<State> state_;
};

}  // namespace sekisho
