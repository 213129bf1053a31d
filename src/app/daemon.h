// app/daemon.h: the running filter: what it is made of, and how it is reloaded and stopped.
// Thread: the main one, which handles the signals.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "app/places.h"
#include "base/executor.h"
#include "base/guarded.h"
#include "base/log.h"
#include "config/load.h"
#include "control/server.h"
#include "history/deferral_file.h"
#include "history/recorder.h"
#include "metrics/family.h"
#include "metrics/server.h"
#include "milter/server.h"
#include "quarantine/service.h"
#include "session/dns_list_watch.h"
#include "session/engine.h"
#include "setup/access_files.h"
#include "setup/snapshot.h"

namespace sekisho::app {

class Daemon {
 public:
  // What `start` needs: the file to read again at a reload, and what it held.
  Daemon(std::string config_path, config::Loaded loaded);
  ~Daemon();

  // Opens the sockets, as whatever user this is; a sentence for the admin when one cannot be had.
  Expected<void, std::string> open();
  // Threads begin. Signals must be blocked by now, and privileges dropped.
  Expected<void, std::string> run();
  // Until SIGTERM or SIGINT: SIGHUP reloads, SIGUSR1 opens the log file again.
  void serve_signals();
  void stop();

 private:
  // Swaps the snapshot, or keeps the old one and says why.
  nlohmann::json reload();
  nlohmann::json try_reload();
  nlohmann::json status() const;
  void record_configuration();
  void open_history();
  // What Prometheus reads. Thread: that of the metrics server.
  std::string metrics() const;
  void append_own(metrics::Families& out) const;
  nlohmann::json on_main_thread(const std::function<nlohmann::json()>& work);
  Expected<void, std::string> open_quarantine(const config::Settings& settings);
  void log_start();
  void log_in_force();
  // Our fields are proven with the secret of its file, or with one of this run alone.
  void open_seal();
  // What is wrong as long as it is so; for `status`.
  std::vector<std::string> warnings(const session::Snapshot& snapshot) const;
  // Every few seconds: what has changed in the allowlist and the denylist, self-tests of DNS lists
  // that are due.
  void look_around();
  void guarded(const char* doing, const std::function<void()>& work);
  // The DNS lists of the configuration are asked from now on.
  void watch_lists(const session::Snapshot& snapshot);

  class DecisionJournal;
  std::string config_path_;
  config::Loaded loaded_;
  SteadyTime started_ = steady_now();
  Log log_;
  std::unique_ptr<history::Recorder> history_;  // nullptr: nothing is recorded
  std::unique_ptr<DecisionJournal> journal_;
  std::unique_ptr<quarantine::Service> quarantine_;
  // The same for the threads that tell of it: a reload may open it.
  std::atomic<quarantine::Service*> open_store_{nullptr};
  std::shared_ptr<client::DnsListGuard> list_guard_;
  std::unique_ptr<session::Engine> engine_;
  std::unique_ptr<history::DeferralFile> deferral_file_;  // nullptr: they end with the process
  std::unique_ptr<milter::Server> milters_;
  session::DnsListWatch list_watch_;
  control::Server control_;
  setup::AccessFiles access_files_{log_};
  Places places_{log_};
  // Who has something to count appends it here (metrics/family.h); before run().
  std::vector<metrics::Source> metrics_sources_;
  metrics::Server metrics_server_;
  RunQueue main_tasks_;
  std::string resolver_problem_;  // as it was logged last
  Guarded<std::string> zone_file_warning_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> reload_refused_{false};
};

}  // namespace sekisho::app
