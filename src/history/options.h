// history/options.h: where decisions are recorded, and how many. [history].
// Thread: immutable value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sekisho::history {

struct Options {
  std::string dir = "/var/lib/sekisho/history";  // empty: nothing is recorded
  std::chrono::seconds keep{std::chrono::hours(30 * 24)};
  std::uint64_t max_size = std::uint64_t{2} << 30U;  // octets
  bool operator==(const Options&) const = default;
};

}  // namespace sekisho::history
