// app/daemon.h: the running filter: its parts in their order, and how they are started, reloaded
// and stopped together. A part of its own goes into parts.h and into the constructor.
// Thread: the main one, which handles the signals.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "app/decision_journal.h"
#include "app/part.h"
#include "app/parts.h"
#include "app/smtp_parts.h"
#include "base/executor.h"
#include "base/log.h"
#include "config/load.h"
#include "session/engine.h"

namespace sekisho::app {

class Daemon {
 public:
  // `config_path`: the file to read again at a reload; `loaded`: its content.
  Daemon(std::string config_path, config::Loaded loaded);
  ~Daemon();

  // Opens the sockets, as the present user; a sentence for the admin if one cannot be opened.
  Expected<void, std::string> open();
  // Starts the threads. Signals must be blocked by now, and privileges dropped.
  Expected<void, std::string> run();
  // Until SIGTERM or SIGINT: SIGHUP reloads, SIGUSR1 opens the log file again.
  void serve_signals();
  void stop();

 private:
  template <class T, class... Arguments>
  T& add(Arguments&&... arguments);
  // Swaps the snapshot, or keeps the old one and says why.
  nlohmann::json reload();
  nlohmann::json try_reload();
  Expected<void, std::string> put_into_force(config::Loaded loaded,
                                             std::vector<std::string>& findings);
  Expected<void, std::string> prepare(const config::Settings& settings,
                                      const session::Snapshot& snapshot);
  nlohmann::json on_main_thread(const std::function<nlohmann::json()>& work);
  // Thread: that of the control socket.
  nlohmann::json status() const;
  // The text for Prometheus. Thread: that of the metrics server.
  std::string metrics() const;
  void append_own(metrics::Families& out) const;
  // Sets the secret that proves our own fields: that of its file, or one for this run only.
  void open_seal();
  void log_start();
  void log_in_force();
  void guarded(const char* doing, const std::function<void()>& work);

  std::string config_path_;
  config::Loaded loaded_;
  SteadyTime started_ = steady_now();
  Log log_;
  DecisionJournal journal_;
  std::unique_ptr<session::Engine> engine_;
  std::vector<std::unique_ptr<Part>> parts_;  // in the order of their start
  AccessPart* access_ = nullptr;              // of parts_
  MetricsPart* metrics_ = nullptr;            // of parts_
  ListenersPart* listeners_ = nullptr;        // of parts_
  RunQueue main_tasks_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> reload_refused_{false};
};

}  // namespace sekisho::app
