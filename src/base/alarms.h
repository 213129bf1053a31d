// base/alarms.h: faults that an admin must know of, each from its beginning to its end: a line in
// the log at severity `alert` when it begins, after four hours and then daily, and one when it
// ends; `status` and the metrics show those that last.
//   alarms.raise("route:[relay.example]:587", "[relay.example]:587 refuses our password: 535 …");
//   alarms.clear("route:[relay.example]:587");
// Thread: any, internally locked.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"

namespace sekisho {

class Alarms {
 public:
  explicit Alarms(Log& log) : log_(log) {}

  struct Alarm {
    std::string key;
    std::string text;  // names the address, route or login
    WallTime since{};
  };

  // Begins, or goes on; the text of an alarm that goes on is replaced. `now` also decides whether
  // it is told again.
  void raise(const std::string& key, const std::string& text, WallTime now = wall_now()) noexcept;
  void clear(const std::string& key) noexcept;
  // Tells again what has lasted for four hours, or a day; called every few seconds.
  void tick(WallTime now = wall_now()) noexcept;
  std::vector<Alarm> lasting() const;

 private:
  struct Lasting {
    std::string text;
    WallTime since{};
    WallTime next{};  // when it is told again
  };
  Log& log_;
  Guarded<std::map<std::string, Lasting>> lasting_;
};

}  // namespace sekisho
