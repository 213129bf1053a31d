#include "control/stream.h"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "base/clock.h"
#include "base/poll_until.h"

namespace sekisho::control {

std::optional<std::string> read_all(int fd, std::size_t limit, std::chrono::milliseconds within) {
  const auto deadline = steady_now() + within;
  std::string text;
  std::array<char, 16384> chunk;
  while (poll_until(fd, POLLIN, deadline) == Polled::ready) {
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
    if (poll_until(fd, POLLOUT, deadline) != Polled::ready) return false;
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
