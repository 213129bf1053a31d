#include "milter/server.h"

#include "milter/connection.h"

namespace sekisho::milter {

Server::Server(session::Engine& engine, Log& log, net::Loops::Size loops)
    : engine_(engine), log_(log), loops_("milter", log, loops), server_("milter", loops_, log) {}

Expected<void, std::string> Server::open(const std::vector<Options>& sockets) {
  std::vector<net::Server::Socket> all;
  for (const auto& each : sockets) {
    all.push_back({{each.socket, each.socket_mode, each.socket_owner, each.socket_group},
                   [this, role = each.role](net::Link link) {
                     return std::make_shared<Connection>(std::move(link), engine_, role, log_);
                   }});
  }
  return server_.open(all);
}

void Server::run() {
  loops_.run();
  server_.run();
}

std::size_t Server::drain(std::chrono::milliseconds within) {
  const std::size_t cut_off = server_.drain(within);
  loops_.stop();
  return cut_off;
}

}  // namespace sekisho::milter
