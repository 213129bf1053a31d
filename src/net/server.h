// net/server.h: accepts connections on its sockets, and hands each to an event loop. It does not
// know the protocol: a function for each socket makes the peer. It closes connections beyond the
// limit, or without descriptors, and can be drained.
// Errors: open() says why a socket cannot be had. Thread: open(), run() and drain() by its owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "net/link.h"
#include "net/listen.h"
#include "net/loops.h"
#include "net/peer.h"

namespace sekisho::net {

class Server {
 public:
  // Postfix runs 100 smtpd processes by default; this many are ten large MTAs. Beyond it a
  // connection is closed at once, which an MTA takes as a temporary failure.
  static constexpr std::size_t usual_connections = 4096;

  struct Socket {
    Endpoint where;
    // Makes the peer; called on the accepting loop. The function has all that depends on the
    // socket. nullptr: the connection is closed.
    std::function<std::shared_ptr<Peer>(Link)> make;
  };

  // `front` begins the lines in the log: "milter". The loops must outlive it.
  Server(std::string front, Loops& loops, Log& log,
         std::size_t max_connections = usual_connections);
  ~Server();

  // Opens all sockets, as the present user; serves after run(). The loops may run by then, or
  // later.
  Expected<void, std::string> open(const std::vector<Socket>& sockets);
  void run();
  // No new connections; those that are not busy are closed, the others may finish until the time is
  // up. Returns how many were cut off. The loops must run.
  std::size_t drain(std::chrono::milliseconds within);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::net
