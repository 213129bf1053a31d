#include "base/clock_looks.h"

#include <fstream>

namespace sekisho {

ClockLook look_at_clocks() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  return {wall_now(), steady_now(), boot};
}

ClockLooks::Answer ClockLooks::look(const ClockLook& now, std::uint64_t due, std::uint64_t all) {
  const bool known = state_ && state_->last.boot == now.boot && state_->last.steady <= now.steady;
  bool jumped = false;
  if (known) {
    const auto parted =
        (now.wall - state_->last.wall) -
        std::chrono::duration_cast<std::chrono::seconds>(now.steady - state_->last.steady);
    jumped = std::chrono::abs(parted) > agree_within;
  }
  if (!known || jumped) {
    state_ = State{now, now.steady, std::nullopt};
    return jumped ? Answer::jumped : Answer::first;
  }
  state_->last = now;
  if (now.steady - state_->since < apart) return Answer::first;
  if (due * many <= all) {
    state_->many_since.reset();
    return Answer::go;
  }
  if (!state_->many_since) state_->many_since = now.steady;
  if (now.steady - *state_->many_since < many_wait) return Answer::many;
  state_->many_since.reset();
  return Answer::go;
}

}  // namespace sekisho
