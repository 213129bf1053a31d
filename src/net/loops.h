// net/loops.h: the event loops of the process, a thread each. A connection belongs to one of them,
// so its objects have one owner, and waiting for an answer blocks no thread. Servers and outgoing
// connections may share them.
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
    // Connections after which the next loop takes some; when all have as many, the emptiest one
    // does.
    std::size_t filled_at;
  };
  // One loop for two cores, because an MTA on the same host needs many times our share for a
  // message; and eight at most, because one decides some 4,000 messages a second. 64 simultaneous
  // messages on one loop delay each other by 15 ms at most.
  static Size usual_size();

  // `name` begins the lines in the log.
  Loops(const std::string& name, Log& log, Size size = usual_size());
  ~Loops();

  void run();
  // The threads end when all connections are closed and their objects destroyed; no task may be
  // posted after that.
  void stop();

  std::size_t count() const { return loops_.size(); }
  Loop& loop(std::size_t number) const { return *loops_[number]; }
  // The loop that accepts.
  Loop& first() const { return *loops_.front(); }
  // Places a socket on the loop whose turn it is. It also counts in `count`, if given.
  Link link(UniqueFd fd, Seat::Count count = nullptr) const;
  // Calls `visit` on each loop's thread, one after the other, and adds up what it returns. Only
  // while the loops run.
  std::size_t sum(const std::function<std::size_t(Loop&)>& visit) const;

 private:
  Loop& for_one_more() const;

  const std::size_t filled_at_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace sekisho::net
