// queue/options.h: where messages wait, how often they are tried, and when they are given up.
// [queue].
// Thread: immutable values.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace sekisho::queue {

struct Options {
  std::string dir = "/var/lib/sekisho/queue";
  std::string drop = "/var/lib/sekisho/drop";  // where sendmail(1) leaves messages without a daemon
  // The waits after each failed attempt; then the last one again.
  std::vector<std::chrono::seconds> retry = {std::chrono::minutes(5), std::chrono::minutes(10),
                                             std::chrono::minutes(20), std::chrono::minutes(40),
                                             std::chrono::hours(1)};
  std::chrono::seconds warn_after{std::chrono::hours(4)};
  std::chrono::seconds give_up{std::chrono::hours(24 * 5)};
};

}  // namespace sekisho::queue
