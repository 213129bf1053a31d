// milter/server.h: serves the MTA on every [[milter]] socket. Each connection belongs to one of a
// few event loops, so a session has one owner, and a verdict that waits for the DNS holds no
// thread. This speaks the milter protocol itself: libmilter serves one socket per process, and its
// worker pool waits with a thread for every message. Errors: start() says why a socket cannot be
// opened. Thread: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "milter/options.h"
#include "session/engine.h"

namespace sekisho::milter {

class Server {
 public:
  struct Loops {
    std::size_t count;
    // Connections. Then the next loop takes some, and when all have so many, the emptiest one.
    std::size_t filled_at;
  };
  // A loop for two cores, for the MTA on the same host needs many times our share of them for a
  // message; and eight at most, for one decides some 4,000 messages a second. 64 connections that
  // all have a message in the same moment wait 15 ms for each other.
  static Loops usual_loops();

  Server(session::Engine& engine, Log& log, Loops loops = usual_loops());
  ~Server();

  // Opens all sockets, as whatever user this is; serves after run().
  Expected<bool, std::string> open(const std::vector<Options>& sockets);
  void run();
  // No new connections; those without a message are closed, the others may finish until the time is
  // up. Returns the number of messages that were cut off.
  std::size_t drain(std::chrono::milliseconds within);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::milter
