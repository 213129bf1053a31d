// app/smtp_parts.h: the parts of the daemon that only a standalone MTA has, besides the house and
// the queue: its event loops are shared with the milter's.
// Errors, Thread: part.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/drop_folder.h"
#include "app/house_part.h"
#include "app/part.h"
#include "app/queue_part.h"
#include "base/alarms.h"
#include "base/log.h"
#include "net/loops.h"
#include "session/engine.h"
#include "smtp/counters.h"
#include "smtp/limits.h"
#include "smtp/listener.h"
#include "smtp/login_quota.h"
#include "smtp/services.h"

namespace sekisho::app {

// The event loops of all fronts and deliveries. The first part that starts, and the last that
// stops.
class LoopsPart final : public Part {
 public:
  explicit LoopsPart(Log& log) : loops_("net", log) {}
  Expected<void, std::string> start(const config::Loaded& /*loaded*/) override {
    loops_.run();
    return {};
  }
  void stop() override { loops_.stop(); }
  net::Loops& loops() { return loops_; }

 private:
  net::Loops loops_;
};

// What an admin must know of (base/alarms.h).
class AlarmsPart final : public Part {
 public:
  explicit AlarmsPart(Log& log) : alarms_(log) {}
  void tick(const config::Settings& /*settings*/) override { alarms_.tick(); }
  void warnings(std::vector<std::string>& out) const override;
  void append_metrics(metrics::Families& out) const override;
  Alarms& alarms() { return alarms_; }

 private:
  Alarms alarms_;
};

// The [[listener]] sockets, that of sendmail(1), and the drop folder.
class ListenersPart final : public Part {
 public:
  struct Needs {
    session::Engine& engine;
    net::Loops& loops;
    HousePart& house;
    QueuePart& queue;
    Alarms& alarms;
    Log& log;
  };
  explicit ListenersPart(const Needs& needs) : needs_(needs), log_(needs.log, "smtpd") {}
  Expected<void, std::string> open(const config::Settings& settings) override;
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  std::size_t drain(std::chrono::milliseconds within) override;
  void status(nlohmann::json& answer) const override;
  void append_metrics(metrics::Families& out) const override;
  // "0.0.0.0:25 mx"; empty: there is no [[listener]].
  const std::vector<std::string>& sockets() const { return sockets_; }

 private:
  // What the sockets need, in the order in which it is made.
  struct Open {
    Open(ListenersPart& part, const config::Settings& settings);
    smtp::ClientLimits limits;
    smtp::LoginFailures failures;
    smtp::LoginQuota quota;
    smtp::BrokenTls broken_tls;
    smtp::Services services;
    smtp::Front front;
    DropFolder drop;
  };
  smtp::Services services(Open& open);

  Needs needs_;
  Log log_;
  smtp::Counters counters_;
  std::vector<std::string> sockets_;  // "0.0.0.0:25 mx"
  std::unique_ptr<Open> open_;
};

// The socket of sendmail(1), beside the control socket.
std::string submit_socket(const config::Settings& settings);

}  // namespace sekisho::app
