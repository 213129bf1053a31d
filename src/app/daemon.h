// app/daemon.h: the running filter: what it is made of, and how it is reloaded and stopped.
// Thread: the main one, which handles the signals.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/executor.h"
#include "base/log.h"
#include "config/load.h"
#include "control/metrics.h"
#include "control/metrics_server.h"
#include "control/server.h"
#include "control/snapshot.h"
#include "milter/server.h"
#include "session/engine.h"

namespace sekisho::app {

class Daemon {
 public:
  // What `start` needs: the file to read again at a reload, and what it held.
  Daemon(std::string config_path, config::Loaded loaded);
  ~Daemon();

  // Opens the sockets, as whatever user this is; a sentence for the admin when one cannot be had.
  Expected<bool, std::string> open();
  // Threads begin. Signals must be blocked by now, and privileges dropped.
  Expected<bool, std::string> run();
  // Until SIGTERM or SIGINT: SIGHUP reloads, SIGUSR1 opens the log file again.
  void serve_signals();
  void stop();

 private:
  // Swaps the snapshot, or keeps the old one and says why.
  nlohmann::json reload();
  nlohmann::json status() const;
  // What Prometheus reads. Thread: that of the metrics server.
  std::string metrics() const;
  void append_own(control::Families& out) const;
  nlohmann::json on_main_thread(const std::function<nlohmann::json()>& work);
  void log_start();

  class LogJournal;
  std::string config_path_;
  config::Loaded loaded_;
  SteadyTime started_ = steady_now();
  Log log_;
  std::unique_ptr<LogJournal> journal_;
  std::unique_ptr<session::Engine> engine_;
  std::unique_ptr<milter::Server> milters_;
  control::Server control_;
  // Who has something to count appends it here (control/metrics.h); before run().
  std::vector<control::Source> metrics_sources_;
  control::MetricsServer metrics_server_;
  RunQueue main_tasks_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> reload_refused_{false};
};

}  // namespace sekisho::app
