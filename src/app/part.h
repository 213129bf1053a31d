// app/part.h: a part of the daemon, and the steps of its life. The daemon keeps its parts in the
// order in which they start, and stops them in the reverse order.
//   open (as root where we are root; the last part first) → prepare → start → tick, prepare,
//   reload … → drain → stop
// Errors: a sentence for the admin.
// Thread: the main one, but for status(), warnings() and append_metrics(), which are called on the
// threads of the control socket and of the metrics.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "config/load.h"
#include "metrics/family.h"
#include "session/engine.h"

namespace sekisho::app {

class Part {
 public:
  virtual ~Part() = default;

  // Opens sockets that the daemon's user could not open. Must not start a thread, which would keep
  // the rights of root.
  virtual Expected<void, std::string> open(const config::Settings& /*settings*/) { return {}; }
  // Starts threads, as the daemon's user, with the first snapshot in force.
  virtual Expected<void, std::string> start(const config::Loaded& /*loaded*/) { return {}; }

  // Prepares for a new configuration before it is in force; an error keeps the old one. Also called
  // before start(). Preparations must do no harm if another part then refuses.
  virtual Expected<void, std::string> prepare(const config::Settings& /*settings*/,
                                              const session::Snapshot& /*snapshot*/) {
    return {};
  }
  // The new configuration is in force. Warnings are logged, and added to `findings`.
  virtual void reload(const config::Loaded& /*loaded*/, std::vector<std::string>& /*findings*/) {}
  // Every few seconds (setup::AccessFiles::look_every).
  virtual void tick(const config::Settings& /*settings*/) {}

  // Accepts nothing new, and lets work under way finish; returns how many messages were cut off.
  virtual std::size_t drain(std::chrono::milliseconds /*within*/) { return 0; }
  virtual void stop() {}

  // Members of the answer to `sekisho status`.
  virtual void status(nlohmann::json& /*answer*/) const {}
  // Present faults, for `status`.
  virtual void warnings(std::vector<std::string>& /*out*/) const {}
  // See metrics/family.h for the rules.
  virtual void append_metrics(metrics::Families& /*out*/) const {}
};

}  // namespace sekisho::app
