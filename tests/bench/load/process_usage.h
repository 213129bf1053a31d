// tests/bench/load/process_usage.h: CPU time and memory of processes with all their threads and
// descendants, from /proc. A process that is gone counts as nothing; its CPU time is in its parent
// once that has waited for it. Thread: any.
#pragma once

#include <cstdint>
#include <vector>

namespace sekisho::bench {

struct Usage {
  double user_seconds = 0;
  double system_seconds = 0;
  std::uint64_t rss_kb = 0;       // resident now, summed: pages that workers share count in each
  std::uint64_t peak_rss_kb = 0;  // sum of each process's own peak
  std::uint64_t pss_kb = 0;       // resident now, shared pages divided among their users
  unsigned processes = 0;

  double cpu_seconds() const { return user_seconds + system_seconds; }
};

Usage usage_of(const std::vector<int>& roots);

}  // namespace sekisho::bench
