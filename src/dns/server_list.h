// dns/server_list.h: the servers, and which of them to ask next. Those that answer are preferred in
// the order they were given; a server that does not answer is probed now and then with a single
// question, until it answers.
// Thread: one owner.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dns/server_address.h"
#include "dns/udp_pool.h"

namespace sekisho::dns {

// Whether questions to a server carry an OPT record (RFC 6891 §7). A server that answers only
// questions without it is asked that way, and now and then one question tries again with it:
// servers are replaced, and without EDNS long answers need TCP.
class EdnsSupport {
 public:
  static constexpr std::chrono::minutes retry_every{15};
  // Consecutive questions that were answered only when they were repeated without it. More than
  // one, for a datagram may be lost.
  static constexpr int unanswered_until_lacking = 3;

  // Whether the next question is to carry it. A trial is given to one question only.
  bool take(SteadyTime now);
  // A question with an OPT record was answered: the server understands it.
  void answered();
  // A question with an OPT record was refused or not answered, and answered without it.
  void refused(SteadyTime now);
  void unanswered(SteadyTime now);
  bool known_to_work() const { return works_; }

 private:
  bool works_ = false;
  bool lacking_ = false;
  int unanswered_ = 0;
  SteadyTime retry_{};  // while lacking
};

struct Server {
  explicit Server(ServerAddress where) : address(std::move(where)) {}

  ServerAddress address;
  UdpPool::Slots sockets;
  SteadyTime last_heard{};  // any reply
  int lost = 0;             // questions in a row without one
  bool down = false;
  SteadyTime next_probe{};  // while down
  EdnsSupport edns;
};

using ServerPtr = std::shared_ptr<Server>;

// The attempts of one question at one server.
struct Trial {
  ServerPtr server;
  int sends = 0;
  bool failed = false;  // it said that it cannot answer: it need not be asked again
  bool edns_sent = false;
  bool edns_refused = false;
};

class ServerList {
 public:
  // A down server is probed this often: it is in use again within five seconds, and one question in
  // three seconds waits for it in vain.
  static constexpr std::chrono::seconds probe_every{3};
  // Consecutive unanswered questions that mark a server as down. A single one may have another
  // cause.
  static constexpr int lost_until_down = 2;

  void replace(std::vector<ServerAddress> addresses, UdpPool& pool);

  // The server to ask next, after `trials`: the one that was asked least, and of those the first
  // that is up. nullptr if each has failed.
  ServerPtr next(const std::vector<Trial>& trials, SteadyTime now);

  static void heard(Server& server, SteadyTime now);
  // Nothing was received since `sent`.
  static void lost(Server& server, SteadyTime sent, SteadyTime now);
  static void unreachable(Server& server, SteadyTime now);

  std::vector<std::string> texts() const;

 private:
  std::vector<ServerPtr> servers_;
};

}  // namespace sekisho::dns
