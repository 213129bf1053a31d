// net/loops.h: the event loops of the process, a thread each. A connection belongs to one of them,
// so what is said on it has one owner, and what waits for an answer holds no thread. Servers and
// outgoing connections may share them.
// Thread: run() and stop() by their owner; the rest from any.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/unique_handle.h"
#include "net/link.h"

namespace sekisho::net {

class Loops {
 public:
  struct Size {
    std::size_t count;
    // Connections. Then the next loop takes some, and when all have so many, the emptiest one.
    std::size_t filled_at;
  };
  // A loop for two cores, for an MTA on the same host needs many times our share of them for a
  // message; and eight at most, for one decides some 4,000 messages a second. 64 simultaneous
  // messages on one loop delay each other by 15 ms at most.
  static Size usual_size();

  // `name` begins the lines in the log.
  Loops(const std::string& name, Log& log, Size size = usual_size());
  ~Loops();

  void run();
  // The threads end when all connections are closed, and what belongs to them is gone: nobody hands
  // a loop a task after that.
  void stop();

  std::size_t count() const { return loops_.size(); }
  // The one whose thread accepts.
  Loop& first() const { return *loops_.front(); }
  // A socket on the loop whose turn it is. It counts in `count` as well, where there is one.
  Link link(UniqueFd fd, Seat::Count count = nullptr) const;
  // Calls `visit` on each loop's thread, one after the other, and adds up what it returns. Only
  // while they run.
  std::size_t sum(const std::function<std::size_t(Loop&)>& visit) const;

 private:
  Loop& for_one_more() const;

  const std::size_t filled_at_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace sekisho::net
