// session/deferrals.h: since when a sender has been put off, so that a deferral ends. Kept by
// client network (/24, /64), sender and author domain, for a sender comes again from a neighbouring
// address with another queue id. In memory only: after a restart a sender waits at most `defer_for`
// once more. Thread: any, internally locked.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"
#include "policy/facts.h"

namespace sekisho::session {

class Deferrals {
 public:
  // How long ago the first deferral of this kind of message was; none when there was none.
  std::optional<std::chrono::seconds> deferred_for(const policy::Facts& facts,
                                                   SteadyTime now) const;
  void deferred(const policy::Facts& facts, SteadyTime now);
  std::size_t size() const;

  // More would be an attack on our memory: then the oldest are forgotten, and wait once more.
  static constexpr std::size_t capacity = 50'000;
  // A sender gives up after five days (RFC 5321 §4.5.4.1); who comes later begins anew.
  static constexpr std::chrono::hours keep{5 * 24};

 private:
  struct Table {
    std::map<std::string, SteadyTime> first;
    std::multimap<SteadyTime, std::string> by_age;
  };
  mutable Guarded<Table> table_;
};

}  // namespace sekisho::session
