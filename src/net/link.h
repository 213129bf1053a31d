// net/link.h: a connected socket and its event loop. The code that accepts or connects passes it to
// the Stream that uses it.
// Thread: one owner.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "base/unique_handle.h"

namespace sekisho::net {

class Loop;

// As long as a Seat exists, its connection counts: on its loop, and in the limit of its server.
class Seat {
 public:
  using Count = std::shared_ptr<std::atomic<std::size_t>>;  // nullptr: not limited

  Seat(Loop& loop, Count count);
  Seat(Seat&& other) noexcept;
  Seat& operator=(Seat&&) = delete;
  ~Seat();

  Loop& loop() const { return *loop_; }

 private:
  Loop* loop_;  // nullptr: moved from
  Count count_;
};

struct Link {
  UniqueFd fd;  // non-blocking; connected, or still connecting
  int family;   // AF_UNIX, AF_INET or AF_INET6
  Seat seat;
};

}  // namespace sekisho::net
