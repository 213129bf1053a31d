#include "dns/server_list.h"

#include <algorithm>
#include <tuple>

namespace sekisho::dns {

bool EdnsSupport::take(SteadyTime now) {
  if (!lacking_) return true;
  if (now < retry_) return false;
  retry_ = now + retry_every;
  return true;
}

void EdnsSupport::answered() {
  works_ = true;
  lacking_ = false;
  unanswered_ = 0;
}

void EdnsSupport::refused(SteadyTime now) {
  works_ = false;
  lacking_ = true;
  unanswered_ = 0;
  retry_ = now + retry_every;
}

void EdnsSupport::unanswered(SteadyTime now) {
  if (!lacking_ && ++unanswered_ >= unanswered_until_lacking) refused(now);
}

void ServerList::replace(std::vector<ServerAddress> addresses, UdpPool& pool) {
  for (const ServerPtr& server : servers_) pool.retire(server->sockets);
  servers_.clear();
  for (ServerAddress& address : addresses)
    servers_.push_back(std::make_shared<Server>(std::move(address)));
}

ServerPtr ServerList::next(const std::vector<Trial>& trials, SteadyTime now) {
  ServerPtr best;
  std::tuple<int, bool> best_rank;
  for (const ServerPtr& server : servers_) {
    const auto trial = std::find_if(trials.begin(), trials.end(),
                                    [&](const Trial& t) { return t.server == server; });
    if (trial != trials.end() && trial->failed) continue;
    const int sends = trial == trials.end() ? 0 : trial->sends;
    // Once in a while a server that is down is probed before the others are asked.
    if (server->down && trials.empty() && server->next_probe <= now) {
      server->next_probe = now + probe_every;
      return server;
    }
    const std::tuple<int, bool> rank{sends, server->down};
    if (best != nullptr && best_rank <= rank) continue;
    best = server;
    best_rank = rank;
  }
  return best;
}

void ServerList::heard(Server& server, SteadyTime now) {
  server.last_heard = now;
  server.lost = 0;
  server.down = false;
}

void ServerList::lost(Server& server, SteadyTime sent, SteadyTime now) {
  if (server.last_heard >= sent || ++server.lost < lost_until_down) return;
  unreachable(server, now);
}

void ServerList::unreachable(Server& server, SteadyTime now) {
  if (!server.down) server.next_probe = now + probe_every;
  server.down = true;
}

std::vector<std::string> ServerList::texts() const {
  std::vector<std::string> texts;
  for (const ServerPtr& server : servers_) texts.push_back(server->address.text());
  return texts;
}

}  // namespace sekisho::dns
