// app/parts.h: the parts of the daemon, with the steps of part.h. They only decide when things
// happen; the work is done in other folders. Errors,
// Thread: part.h.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "app/decision_journal.h"
#include "app/part.h"
#include "app/places.h"
#include "app/queue_part.h"
#include "base/guarded.h"
#include "base/log.h"
#include "client/dns_list_health.h"
#include "control/server.h"
#include "history/deferral_file.h"
#include "history/recorder.h"
#include "metrics/server.h"
#include "milter/server.h"
#include "net/loops.h"
#include "quarantine/service.h"
#include "session/dns_list_watch.h"
#include "setup/access_files.h"

namespace sekisho::app {

// Our own store of held messages: with a [[listener]] the common store of queue and quarantine,
// else quarantine.dir. That one is also opened if new messages are held elsewhere now: its messages
// still expire, and can be released.
class QuarantinePart final : public Part {
 public:
  QuarantinePart(session::Engine& engine, const SpoolPart& spool, Log& log)
      : engine_(engine), spool_(spool), log_(log) {}
  Expected<void, std::string> prepare(const config::Settings& settings,
                                      const session::Snapshot& snapshot) override;
  void stop() override;
  void status(nlohmann::json& answer) const override;
  void append_metrics(metrics::Families& out) const override;

 private:
  Expected<void, std::string> prepare_common(const config::Settings& settings);
  Expected<void, std::string> prepare_own(const config::Settings& settings);
  void put_into_force(quarantine::Service& service);

  session::Engine& engine_;
  const SpoolPart& spool_;
  Log& log_;
  std::unique_ptr<quarantine::Service> own_;     // of quarantine.dir
  std::unique_ptr<quarantine::Service> common_;  // of the common store
  std::unique_ptr<session::Keeping> both_;
  // The store in use, for the threads of status and metrics: a reload may open it.
  std::atomic<quarantine::Service*> open_{nullptr};
};

// The DNS lists, their health and their self-tests.
class DnsListsPart final : public Part {
 public:
  DnsListsPart(session::Engine& engine, Log& log);
  Expected<void, std::string> prepare(const config::Settings& settings,
                                      const session::Snapshot& snapshot) override;
  void tick(const config::Settings& settings) override;
  void status(nlohmann::json& answer) const override;
  void append_metrics(metrics::Families& out) const override;

 private:
  std::shared_ptr<client::DnsListGuard> guard_;
  session::DnsListWatch watch_;
};

// The resolver of the snapshot in force.
class ResolverPart final : public Part {
 public:
  ResolverPart(session::Engine& engine, Log& log) : engine_(engine), log_(log) {}
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  void reload(const config::Loaded& loaded, std::vector<std::string>& findings) override;
  void tick(const config::Settings& settings) override;
  void status(nlohmann::json& answer) const override;
  void warnings(std::vector<std::string>& out) const override;
  void append_metrics(metrics::Families& out) const override;

 private:
  session::Engine& engine_;
  Log& log_;
  std::string problem_;  // the last one logged
  Guarded<std::string> zone_file_warning_;
};

// Decisions are recorded, and deferrals outlive the daemon, where [history] dir is set.
class HistoryPart final : public Part {
 public:
  HistoryPart(session::Engine& engine, DecisionJournal& journal, Log& log)
      : engine_(engine), journal_(journal), log_(log) {}
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  void reload(const config::Loaded& loaded, std::vector<std::string>& findings) override;
  void stop() override;
  void status(nlohmann::json& answer) const override;
  void append_metrics(metrics::Families& out) const override;

 private:
  void record(const config::Loaded& loaded);

  session::Engine& engine_;
  DecisionJournal& journal_;
  Log& log_;
  std::unique_ptr<history::Recorder> recorder_;
  std::unique_ptr<history::DeferralFile> deferrals_;
};

// The files of the allowlist and the denylist.
class AccessPart final : public Part {
 public:
  AccessPart(session::Engine& engine, Log& log) : engine_(engine), files_(log) {}
  void reload(const config::Loaded& loaded, std::vector<std::string>& findings) override;
  void tick(const config::Settings& settings) override;
  // Logs the faults of the files in force; called after the line that says that the daemon has
  // started.
  void loaded();

 private:
  session::Engine& engine_;
  setup::AccessFiles files_;
};

// The milter sockets.
class MiltersPart final : public Part {
 public:
  MiltersPart(session::Engine& engine, net::Loops& loops, Log& log) : server_(engine, loops, log) {}
  Expected<void, std::string> open(const config::Settings& settings) override;
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  std::size_t drain(std::chrono::milliseconds within) override;

 private:
  milter::Server server_;
};

// The metrics socket.
class MetricsPart final : public Part {
 public:
  MetricsPart(metrics::Server::Pages pages, Log& log) : pages_(std::move(pages)), server_(log) {}
  Expected<void, std::string> open(const config::Settings& settings) override;
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  void stop() override { server_.stop(); }
  void status(nlohmann::json& answer) const override;
  // The listening address; empty: none.
  std::string address() const { return server_.address(); }

 private:
  metrics::Server::Pages pages_;
  metrics::Server server_;
};

// The control socket.
class ControlPart final : public Part {
 public:
  struct Verbs {
    control::Server::Handlers quick;
    control::Server::Handlers slow;
  };
  ControlPart(Verbs verbs, Log& log) : verbs_(std::move(verbs)), server_(log) {}
  Expected<void, std::string> open(const config::Settings& settings) override;
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  void stop() override { server_.stop(); }

 private:
  Verbs verbs_;
  control::Server server_;
};

// The files by which others find the daemon.
class PlacesPart final : public Part {
 public:
  explicit PlacesPart(Log& log) : places_(log) {}
  Expected<void, std::string> open(const config::Settings& settings) override;
  void tick(const config::Settings& settings) override;

 private:
  Places places_;
};

}  // namespace sekisho::app
