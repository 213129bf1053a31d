// net/acceptor.h: takes connections from a listening socket, also when descriptors have run out.
// One descriptor is kept in reserve. When no other is left, it is given up to accept a connection
// and close it at once: without that the other side would wait for its time-out.
// Errors: Accepted::pause, and a line in the log. Thread: one owner.
#pragma once

#include <chrono>
#include <string>

#include "base/log.h"
#include "base/unique_handle.h"

namespace sekisho::net {

struct Accepted {
  UniqueFd fd;         // non-blocking; none: no connection waits, or accept failed
  bool pause = false;  // accept failed: try again after accept_pause
};

// The listening socket stays readable when accept(2) fails: without a pause its owner would spin.
inline constexpr std::chrono::milliseconds accept_pause(100);

class Acceptor {
 public:
  // `front` begins the lines in the log: "milter".
  Acceptor(UniqueFd listening, std::string front, Log& log);

  Accepted accept();
  int fd() const { return listening_.get(); }

 private:
  void take_reserve();
  bool turn_one_away();

  UniqueFd listening_;
  UniqueFd reserve_;
  std::string front_;
  Log& log_;
};

}  // namespace sekisho::net
