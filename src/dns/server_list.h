// dns/server_list.h: the servers, and which of them to ask next. Those that answer are preferred in
// the order they were given; one that went silent is tried again now and then by a single question,
// until it answers. Thread: one owner.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dns/server_address.h"
#include "dns/udp_pool.h"

namespace sekisho::dns {

// Whether questions to a server carry an OPT record (RFC 6891 §7). One that was seen to answer only
// without is asked so, and now and then one question tries again: servers are replaced, and without
// EDNS long answers need TCP.
class EdnsSupport {
 public:
  static constexpr std::chrono::minutes retry_every{15};
  // Questions in a row that were answered only when they were repeated without: one datagram may be
  // lost.
  static constexpr int unanswered_until_lacking = 3;

  // Whether the next question is to carry it. A trial is given to one question only.
  bool take(SteadyTime now);
  // A question that carried it has its answer: it does not hurt there.
  void answered();
  // One that carried it was refused, or was not answered, and was answered without it.
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

// What one question has been through at one server.
struct Trial {
  ServerPtr server;
  int sends = 0;
  bool failed = false;  // it said that it cannot answer: asking it again is no use
  bool edns_sent = false;
  bool edns_refused = false;
};

class ServerList {
 public:
  // A down server is probed this often: it is back in use soon enough for "recovered within five
  // seconds", and one question in three seconds waits for it in vain.
  static constexpr std::chrono::seconds probe_every{3};
  // Questions lost in a row that make a server down. One may have been slow for its own reasons.
  static constexpr int lost_until_down = 2;

  void replace(std::vector<ServerAddress> addresses, UdpPool& pool);

  // The server to ask next, after `trials`: the one that was asked least, and of those the first
  // that is up. Nullptr when each has failed.
  ServerPtr next(const std::vector<Trial>& trials, SteadyTime now);

  static void heard(Server& server, SteadyTime now);
  // Nothing came since `sent`.
  static void lost(Server& server, SteadyTime sent, SteadyTime now);
  static void unreachable(Server& server, SteadyTime now);

  std::vector<std::string> texts() const;

 private:
  std::vector<ServerPtr> servers_;
};

}  // namespace sekisho::dns
