// smtp/listener.h: the SMTP listeners of this host over one net::Server: who connects to which of
// them, and whether there is room.
// Errors: open() says why a socket cannot be had. Thread: its owner's.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loops.h"
#include "net/server.h"
#include "smtp/connection.h"
#include "smtp/options.h"
#include "smtp/services.h"

namespace sekisho::smtp {

class Front {
 public:
  // 10,000 idle clients cost 160 MB; more than that is a flood.
  static constexpr std::size_t usual_connections = 20'000;
  // Descriptors for everything else: messages being written, deliveries, the DNS, databases.
  static constexpr std::size_t other_descriptors = 512;
  // Clients beyond the limit that are told so at a time; any others are closed without a word.
  static constexpr std::size_t told = 64;

  // The loops and what `services` refers to must outlive it. `most`: 0: by the descriptors that
  // this process may have.
  Front(Services& services, net::Loops& loops, std::size_t most = 0);

  // Opens the sockets of all listeners, as the present user, and that of `local`. The last of
  // Site::listeners is `local`. `local_path`: empty: none.
  Expected<void, std::string> open(const std::vector<Listener>& listeners,
                                   const std::string& local_path = local_socket);
  void run() { server_.run(); }
  // No new connections; those that do nothing get 421, the others may finish until the time is up.
  // Returns how many were cut off.
  std::size_t drain(std::chrono::milliseconds within) { return server_.drain(within); }
  std::size_t connections() const;

 private:
  std::shared_ptr<net::Peer> make(net::Link link, Profile profile, std::size_t listener);

  Services& services_;
  const std::size_t most_;
  net::Server server_;
};

// "0.0.0.0:25" as net/listen.h writes it; all addresses of both families where none is given.
Expected<std::vector<std::string>, std::string> sockets_of(const Listener& listener);

}  // namespace sekisho::smtp
