// relay/hosts_memory.h: what was learnt of next hops, as long as it holds: hosts whose TLS is
// broken, routes that refuse our login, and how many connections a destination may have at once. No
// I/O; the time is an argument.
// Thread: one owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "relay/transport.h"

namespace sekisho::relay {

class HostsMemory {
 public:
  // A mended host gets TLS again within this time; until then each message would cost one broken
  // connection more.
  static constexpr std::chrono::hours tls_stays_broken{1};
  // A provider locks an account that tries a wrong password again and again.
  static constexpr std::chrono::minutes probe_interval{15};
  // Connections to a destination of which nothing is known: as many as Postfix begins with.
  static constexpr std::size_t first_window = 5;
  // Of each kind. A strange domain can name any number of hosts; beyond so many, what is known of
  // quiet ones is dropped.
  static constexpr std::size_t most_entries = 10'000;

  void tls_broke(const std::string& host, SteadyTime now);
  bool tls_is_broken(const std::string& host, SteadyTime now);

  // The route pauses: what is wrong is the result of all that would take it.
  void pause(const std::string& route, Result why, const std::string& secret, SteadyTime now);
  // nullptr: it is not paused, or this caller is the one that probes now.
  const Result* paused(const std::string& route, SteadyTime now);
  void login_worked(const std::string& route) { pauses_.erase(route); }
  // Whether it is another than the one that was refused.
  bool is_new_secret(const std::string& route, const std::string& secret) const;

  // How many jobs the destination may have at once, `most` at most.
  std::size_t window(const std::string& destination, std::size_t most) const;
  void succeeded(const std::string& destination, std::size_t most);
  void failed(const std::string& destination);

  // Of this destination; broken TLS of all hosts.
  void forget(const std::string& destination);
  void forget_all();
  std::size_t size() const { return broken_tls_.size() + pauses_.size() + windows_.size(); }

 private:
  struct Pause {
    Result why;
    std::size_t secret;  // its hash
    SteadyTime next_probe;
  };
  void prune(SteadyTime now);

  std::map<std::string, SteadyTime> broken_tls_;  // until when
  std::map<std::string, Pause> pauses_;
  std::map<std::string, std::size_t> windows_;
};

}  // namespace sekisho::relay
