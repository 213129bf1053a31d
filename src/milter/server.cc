#include "milter/server.h"

#include "milter/connection.h"

namespace sekisho::milter {

Server::Server(session::Engine& engine, net::Loops& loops, Log& log)
    : engine_(engine), log_(log), server_("milter", loops, log) {}

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

}  // namespace sekisho::milter
