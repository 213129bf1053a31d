// quarantine/options.h: our own store of held messages. [quarantine] dir, keep, max_size, when_full.
// Thread: immutable value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sekisho::quarantine {

// What answers a message that must be held when max_size is reached; what nobody has seen is never evicted.
enum class WhenFull { tempfail, mta, reject };

struct Options {
  std::string dir = "/var/lib/sekisho/quarantine";
  std::chrono::seconds keep = std::chrono::hours(24 * 30);
  std::uint64_t max_size = 10ULL << 30;  // octets; 0: no limit
  WhenFull when_full = WhenFull::tempfail;
};

}  // namespace sekisho::quarantine
