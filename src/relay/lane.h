// relay/lane.h: the deliveries to some destinations, all on one event loop: who waits for its turn,
// connections that rest, and what is known of hosts. A destination is a route's next hop, or a
// domain that goes by MX; all of its jobs come to the same lane.
// Thread: its event loop's, but for post().
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "dns/options.h"
#include "dns/resolver.h"
#include "net/loop.h"
#include "relay/hop_connection.h"
#include "relay/hosts_memory.h"
#include "relay/transport.h"
#include "relay/workers.h"

namespace sekisho::relay {

class Delivery;

// Whom we trust among next hops.
struct Trust {
  std::shared_ptr<const tls::ClientContext> any;       // what is found wrong is only noted
  std::shared_ptr<const tls::ClientContext> verified;  // demands a verified certificate
};

// What a reload may change.
struct TransportOptions {
  dns::Options dns;
  Trust trust;
  std::string delimiter;  // of address extensions, for Maildir
};

// What all lanes share. Thread: any.
struct Shared {
  dns::Resolver& resolver;
  Workers& readers;  // messages and passwords
  Workers& names;    // getaddrinfo
  Workers& folders;  // Maildir
  // At this moment.
  std::function<std::shared_ptr<const TransportOptions>()> options;
};

// A job, or the question whether its targets would be accepted.
struct Request {
  Job job;
  bool probe = false;
  Transport::Done done;
};

// What a destination is called, and the route it belongs to: "[relay.example]:587". Without a route
// it is the domain.
std::string destination_of(const Job& job);
std::string destination_of(const Route* route, const std::string& domain);
std::string route_name(const Route* route, const std::string& domain);

class Lane {
 public:
  // A connection that carries the next message saves the handshakes; servers close idle ones after
  // a minute at least, and count them.
  static constexpr std::chrono::seconds rest_of_connection{5};
  // Questions to one destination at once: twice the connections that messages have by default.
  static constexpr std::size_t most_probes = 20;
  // Those that wait; who asks is told "unknown" after 10 s in any case.
  static constexpr std::size_t most_waiting_probes = 200;

  Lane(net::Loop& loop, const Shared& shared) : loop_(loop), shared_(shared) {}

  void take(Request request);
  void forget(const std::string& domain);
  // Everything under way ends with a 4xx, but for what is on its way into a Maildir.
  void stop();

  // For deliveries.
  net::Loop& loop() { return loop_; }
  const Shared& shared() const { return shared_; }
  HostsMemory& memory() { return memory_; }
  void finished(const std::shared_ptr<Delivery>& delivery, bool reached);
  // A connection that rests and can go on; nullptr: none.
  std::shared_ptr<HopConnection> resting(const std::string& key);
  void rest(const std::string& key, const std::shared_ptr<HopConnection>& connection);

 private:
  // Jobs, or questions: strangers cause the latter, so these never take the place of a message.
  struct Turns {
    std::deque<Request> waiting;
    std::size_t active = 0;
    bool idle() const { return waiting.empty() && active == 0; }
  };
  struct Destination {
    Turns jobs;
    Turns probes;
  };
  void begin_one(Turns& turns, const std::string& name);
  void begin_more(const std::string& name);

  net::Loop& loop_;
  const Shared& shared_;
  HostsMemory memory_;
  std::map<std::string, Destination> destinations_;
  std::set<std::shared_ptr<Delivery>> active_;
  std::multimap<std::string, std::shared_ptr<HopConnection>> resting_;
  std::shared_ptr<const Map> last_map_;  // of the last job: for forget()
  bool stopped_ = false;
};

}  // namespace sekisho::relay
