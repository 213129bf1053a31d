// tests/support/cpu_time.h: what a computation costs, on a machine however busy: the processor time
// of this thread. For tests that tell linear from quadratic. What waits costs nothing here. Thread:
// any.
#pragma once

#include <time.h>

#include <chrono>

namespace sekisho {

inline std::chrono::nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace sekisho
