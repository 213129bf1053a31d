// app/queue_part.h: the common store of a standalone MTA, and the queue in it: what takes messages
// in for the listeners, what delivers them, and who asks next hops for recipients.
// Errors, Thread: part.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/house_part.h"
#include "app/live_resolver.h"
#include "app/part.h"
#include "base/alarms.h"
#include "base/guarded.h"
#include "base/log.h"
#include "net/loops.h"
#include "queue/crash_marks.h"
#include "queue/intake.h"
#include "queue/runner.h"
#include "relay/callout.h"
#include "relay/secret_watch.h"
#include "relay/smtp_transport.h"
#include "relay/workers.h"
#include "session/engine.h"
#include "smtp/services.h"
#include "spool/store.h"

namespace sekisho::app {

// The folder of small files that outlive the daemon: beside the queue.
std::string state_folder(const config::Settings& settings);

// The store of queue and quarantine, where there is a [[listener]].
class SpoolPart final : public Part {
 public:
  SpoolPart(Alarms& alarms, Log& log) : alarms_(alarms), log_(log) {}
  Expected<void, std::string> prepare(const config::Settings& settings,
                                      const session::Snapshot& snapshot) override;
  void tick(const config::Settings& settings) override;
  // nullptr: there is no listener.
  const std::shared_ptr<spool::Store>& store() const { return store_; }
  // Why no message can be stored now. Thread: any.
  std::optional<std::string> no_room() const;

 private:
  void look_at_room(const config::Settings& settings);

  Alarms& alarms_;
  Log& log_;
  std::shared_ptr<spool::Store> store_;
  Guarded<std::optional<std::string>> no_room_;
};

class QueuePart final : public Part {
 public:
  struct Needs {
    session::Engine& engine;
    net::Loops& loops;
    SpoolPart& spool;
    HousePart& house;
    Alarms& alarms;
    Log& log;
  };
  explicit QueuePart(const Needs& needs);
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  void reload(const config::Loaded& loaded, std::vector<std::string>& findings) override;
  void tick(const config::Settings& settings) override;
  std::size_t drain(std::chrono::milliseconds within) override;
  void stop() override;
  void status(nlohmann::json& answer) const override;
  void append_metrics(metrics::Families& out) const override;

  // For the listeners.
  std::unique_ptr<session::Keeping> keeping(std::shared_ptr<const session::Arrival> arrival) {
    return intake_->for_session(std::move(arrival));
  }
  void ask(const mail::Path& recipient, std::function<void(smtp::Asked)> done);
  std::optional<std::string> no_room() const { return needs_.spool.no_room(); }
  // What `sekisho queue` asks: {"act":"flush","ids":[…]} → {"results":{…}}; {"act":"active"} →
  // {"ids":[…]}. Waits for the disk. Thread: that of the control socket.
  nlohmann::json command(const nlohmann::json& request);

 private:
  Expected<void, std::string> trust(const config::Settings& settings);
  relay::TransportOptions options(const config::Settings& settings) const;
  queue::Runner::Site site(const config::Settings& settings) const;
  void begin_callouts(const config::Settings& settings);

  Needs needs_;
  LiveResolver resolver_;
  Log qmgr_;
  Log smtp_;
  Log lmtp_;
  Log bounce_;
  std::unique_ptr<queue::CrashMarks> marks_;
  relay::Trust trust_;
  std::unique_ptr<relay::SmtpTransport> transport_;
  std::unique_ptr<relay::Workers> disk_;  // of the callouts
  std::unique_ptr<relay::Callout> callout_;
  // Sessions may still use it when the rest has stopped.
  std::unique_ptr<queue::Intake> intake_;
  std::unique_ptr<queue::Runner> runner_;
  Guarded<queue::Runner*> open_{nullptr};   // the same, for threads that do not stop before it
  std::shared_ptr<const smtp::Site> seen_;  // of runner_
  relay::SecretWatch secrets_;
};

}  // namespace sekisho::app
