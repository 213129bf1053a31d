#include "base/poll_until.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace sekisho {

Polled poll_until(std::span<pollfd> waiting, SteadyTime deadline) {
  using std::chrono::milliseconds;
  // The rest is rounded up, so that the last millisecond is not spent in a loop. At most an hour at
  // once, which fits poll's int.
  constexpr milliseconds most = std::chrono::hours(1);
  for (;;) {
    const auto left = deadline - steady_now();
    if (left <= left.zero()) return Polled::late;
    const auto some =
        std::min(std::chrono::ceil<milliseconds>(std::min<decltype(left)>(left, most)), most);
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(some.count()));
    if (ready > 0) return Polled::ready;
    if (ready < 0 && errno != EINTR) return Polled::failed;
  }
}

Polled poll_until(int fd, short events, SteadyTime deadline) {
  pollfd waiting{fd, events, 0};
  return poll_until({&waiting, 1}, deadline);
}

}  // namespace sekisho
