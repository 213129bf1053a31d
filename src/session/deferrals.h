// session/deferrals.h: since when the mail of a sender has been deferred, so that a deferral ends.
// Kept by sender and author domain, because a retry has another queue id and may come from another
// network. Best effort over a restart (DeferralKeeper): a forgotten sender waits at most
// `defer_for` once more. Uses steady time, so setting the clock changes nothing.
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
  // The time since the first deferral of this sender and author, or of this sender with an author
  // not known yet (at RCPT); nullopt if there was none.
  std::optional<std::chrono::seconds> deferred_for(const policy::Facts& facts,
                                                   SteadyTime now) const;
  void deferred(const policy::Facts& facts, SteadyTime now, WallTime wall = wall_now());
  std::size_t size() const;

  // Records new deferrals; nullptr: nobody does. Must outlive this object or be reset.
  void keep_in(DeferralKeeper* keeper) { keeper_ = keeper; }
  // Takes in the kept deferrals, except those from the future (another clock) and those that are
  // too old.
  void remember(const std::vector<Deferral>& kept, WallTime wall, SteadyTime now);
  // All deferrals, to be kept.
  std::vector<Deferral> all(WallTime wall, SteadyTime now) const;

  // More would be an attack on our memory. Then those not seen for a day are forgotten, else the
  // newest one of the network (/24, /48) with the most: a flood displaces itself, and not senders
  // that waited before it.
  static constexpr std::size_t capacity = 50'000;
  // A sender gives up after five days (RFC 5321 §4.5.4.1); a later retry begins anew.
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
    std::set<std::pair<std::size_t, std::string>> by_size;  // networks by number of deferrals

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
