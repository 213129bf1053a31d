#include "control/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

namespace sekisho::control {

namespace {

// Waits for `events`; false when the time is over.
bool wait_for(int fd, short events, SteadyTime deadline) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now()).count();
    if (left < 0) return false;
    pollfd descriptor{fd, events, 0};
    const int ready = ::poll(&descriptor, 1, static_cast<int>(std::min<long long>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

std::optional<std::string> read_all(int fd, std::size_t limit, std::chrono::milliseconds within) {
  const auto deadline = steady_now() + within;
  std::string text;
  std::array<char, 16384> chunk;
  while (wait_for(fd, POLLIN, deadline)) {
    const ssize_t octets = ::recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (octets == 0) return text;
    if (octets < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return std::nullopt;
    }
    text.append(chunk.data(), static_cast<std::size_t>(octets));
    if (text.size() > limit) return std::nullopt;
  }
  return std::nullopt;
}

bool write_all(int fd, std::string_view text, std::chrono::milliseconds within) {
  const auto deadline = steady_now() + within;
  while (!text.empty()) {
    if (!wait_for(fd, POLLOUT, deadline)) return false;
    const ssize_t octets = ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (octets < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(octets));
  }
  return true;
}

}  // namespace sekisho::control
