// net/timer.h: calls something once, at a point in time, on an event loop.
// Thread: its loop's.
#pragma once

#include <utility>

#include <asio/basic_waitable_timer.hpp>

#include "base/clock.h"
#include "net/loop.h"

namespace sekisho::net {

class Timer {
 public:
  explicit Timer(Loop& loop) : timer_(loop.context().get_executor()) {}

  // Replaces an earlier setting. `then` may still be called after cancel() if its time had come
  // already; it must keep alive what it uses.
  template <class Then>
  void set(SteadyTime at, Then then) {
    timer_.expires_at(at);
    timer_.async_wait([then = std::move(then)](asio::error_code error) mutable {
      if (!error) then();
    });
  }
  void cancel() { timer_.cancel(); }

 private:
  // With the loop's own executor type: asio's type-erased executor costs a copy at every step.
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      timer_;
};

}  // namespace sekisho::net
