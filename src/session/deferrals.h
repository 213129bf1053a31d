// session/deferrals.h: since when a sender has been put off, so that a deferral ends. Kept by
// sender and author domain: he comes again with another queue id, and from whatever network. Best
// effort over a restart (DeferralKeeper); what is forgotten waits at most `defer_for` once more. In
// memory by steady time: a clock that is set changes nothing.
// Errors: none. Thread: any, internally locked.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "policy/facts.h"
#include "session/ports.h"

namespace sekisho::session {

class Deferrals {
 public:
  // How long ago the first deferral of this sender and author was, or of this sender when the
  // author was not known yet (at RCPT); none when there was none.
  std::optional<std::chrono::seconds> deferred_for(const policy::Facts& facts,
                                                   SteadyTime now) const;
  void deferred(const policy::Facts& facts, SteadyTime now, WallTime wall = wall_now());
  std::size_t size() const;

  // Who writes new ones down: nullptr for nobody. Outlives this object, or is taken back.
  void keep_in(DeferralKeeper* keeper) { keeper_ = keeper; }
  // Takes in what was kept. What is from the future or too old is of another clock or of nobody,
  // and is left out.
  void remember(const std::vector<Deferral>& kept, WallTime wall, SteadyTime now);
  // All that is known, to be kept.
  std::vector<Deferral> all(WallTime wall, SteadyTime now) const;

  // More would be an attack on our memory. Then whoever has not been seen for a day is forgotten,
  // else the newest one of the network (/24, /48) that has the most: a flood forgets itself, and
  // not those who waited before it.
  static constexpr std::size_t capacity = 50'000;
  // A sender gives up after five days (RFC 5321 §4.5.4.1); who comes later begins anew.
  static constexpr std::chrono::hours keep{5 * 24};
  // Real senders try again within hours.
  static constexpr std::chrono::hours unseen{24};

 private:
  struct Entry {
    SteadyTime since;
    SteadyTime seen;
    std::string network;
  };
  struct Table {
    std::unordered_map<std::string, Entry> entries;
    std::set<std::pair<SteadyTime, std::string>> by_seen;
    std::unordered_map<std::string, std::set<std::pair<SteadyTime, std::string>>> by_network;
    std::set<std::pair<std::size_t, std::string>> by_size;  // networks, by how many they have

    void add(const std::string& key, Entry entry);
    void remove(const std::string& key);
    void see(const std::string& key, SteadyTime now);
    void make_room(SteadyTime now);

   private:
    void resize(const std::string& network, std::size_t from, std::size_t to);
  };
  Guarded<Table> table_;
  std::atomic<DeferralKeeper*> keeper_{nullptr};
};

}  // namespace sekisho::session
