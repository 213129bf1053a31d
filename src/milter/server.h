// milter/server.h: serves the MTA on every [[milter]] socket. The milter protocol is our own:
// libmilter serves one socket per process, and its worker pool blocks a thread for every message.
// Errors: open() says why a socket cannot be opened. Thread: its owner's.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "milter/options.h"
#include "net/loops.h"
#include "net/server.h"
#include "session/engine.h"

namespace sekisho::milter {

class Server {
 public:
  // The loops must outlive it.
  Server(session::Engine& engine, net::Loops& loops, Log& log);

  // Opens all sockets, as whatever user this is; serves after run().
  Expected<void, std::string> open(const std::vector<Options>& sockets);
  void run() { server_.run(); }
  // No new connections; those without a message are closed, the others may finish until the time is
  // up. Returns the number of messages that were cut off. The loops must run.
  std::size_t drain(std::chrono::milliseconds within) { return server_.drain(within); }

 private:
  session::Engine& engine_;
  Log& log_;
  net::Server server_;
};

}  // namespace sekisho::milter
