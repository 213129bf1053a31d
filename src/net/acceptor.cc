#include "net/acceptor.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>

#include "base/memory.h"

namespace sekisho::net {

Acceptor::Acceptor(UniqueFd listening, std::string front, Log& log)
    : listening_(std::move(listening)), front_(std::move(front)), log_(log) {
  take_reserve();
}

Accepted Acceptor::accept() {
  for (;;) {
    UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const int why = errno;
    if (fd) {
      if (!reserve_) take_reserve();
      return {std::move(fd), false};
    }
    if (why == EINTR || why == ECONNABORTED) continue;
    if (why == EAGAIN || why == EWOULDBLOCK) return {};
    // The socket stays readable if more are waiting: the owner does its other work in between.
    if ((why == EMFILE || why == ENFILE) && turn_one_away()) return {};
    return {UniqueFd(), true};
  }
}

void Acceptor::take_reserve() { reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// False if there is no reserve, or no connection waits.
bool Acceptor::turn_one_away() {
  contained([this] {
    log_.write_limited(LogLevel::warning, front_ + " descriptors",
                       front_ +
                           ": no file descriptors left; connections are turned away (raise "
                           "LimitNOFILE)");
  });
  if (!reserve_) return false;
  reserve_.reset();
  UniqueFd refused(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const bool found = static_cast<bool>(refused);
  refused.reset();  // frees the descriptor for the reserve
  take_reserve();
  return found;
}

}  // namespace sekisho::net
