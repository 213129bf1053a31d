// quarantine/service.h: the store for the sessions: holds messages, and recognises them when they
// return after a release. Expires old ones. Work that waits for the disk runs on a thread of its
// own.
// Errors: are results. Thread: any, internally locked.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/executor.h"
#include "base/guarded.h"
#include "base/log.h"
#include "quarantine/store.h"
#include "session/ports.h"

namespace sekisho::quarantine {

class Service final : public session::Keeping {
 public:
  Service(std::unique_ptr<Store> store, Log& log);
  ~Service() override;

  std::unique_ptr<session::Draft> begin() override;
  bool has(const std::string& id) const override { return store_->has(id); }
  void keep(session::KeepRequest message, std::function<void(session::HoldResult)> done) override;
  void take_back(session::ReleaseProof proof,
                 std::function<void(session::TakenBack)> done) override;

  Store& store() { return *store_; }
  spool::Health health() const { return store_->health(); }
  // The statistics, at most `count_every` old; nullopt before the first count. Does not wait for
  // the disk.
  std::optional<Stats> last_stats() const;
  // As often as Prometheus asks.
  static constexpr std::chrono::seconds count_every{15};

 private:
  void serve();
  void tell(const std::string& id, const Outcome<spool::Stored>& stored);
  session::TakenBack what_comes_back(const session::ReleaseProof& proof);
  void expire();
  void count();

  std::unique_ptr<Store> store_;
  Log& log_;
  Guarded<std::optional<Stats>> stats_;
  RunQueue tasks_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sekisho::quarantine
