// session/engine.h: the state that all sessions share: the configuration snapshot, parsed keys,
// deferrals and counters.
// Thread: any, internally locked; a Snapshot is immutable.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"
#include "client/dns_list_health.h"
#include "client/options.h"
#include "crypto/key_cache.h"
#include "dkim/options.h"
#include "dmarc/options.h"
#include "dmarc/public_suffix_list.h"
#include "dns/options.h"
#include "dns/resolver.h"
#include "policy/rules.h"
#include "session/counters.h"
#include "session/decision_id.h"
#include "session/deferrals.h"
#include "session/options.h"
#include "session/ports.h"
#include "session/seal.h"
#include "spf/options.h"

namespace sekisho::session {

// One configuration as the sessions see it. A message finishes on the snapshot it began with.
struct Snapshot {
  Options options;
  dns::Options dns;
  spf::Options spf;
  dkim::Options dkim;
  dmarc::Options dmarc;    // its `suffixes` points into `suffixes` below
  client::Options client;  // the DNS lists
  policy::RuleSet rules;
  std::shared_ptr<const dmarc::PublicSuffixList> suffixes;
  std::shared_ptr<dns::Resolver> resolver;
  std::string digest;  // of the configuration's files
};

class Engine {
 public:
  // `journal` must outlive the engine. `clock` tells wall time: the real one, or the one of a
  // replay.
  Engine(std::shared_ptr<const Snapshot> snapshot, Journal& journal,
         std::function<WallTime()> clock = wall_now);

  std::shared_ptr<const Snapshot> snapshot() const;
  void replace(std::shared_ptr<const Snapshot> snapshot);

  // Where the sessions keep messages whose front has no place of its own, or nullptr; outlives the
  // engine.
  void keep_in(Keeping* keeping) { keeping_ = keeping; }
  Keeping* keeping() const { return keeping_; }

  // The seal that proves our own fields when a message returns; nullptr: none. Set before the first
  // session.
  void seal_with(std::shared_ptr<const Seal> seal) { seal_ = std::move(seal); }
  const Seal* seal() const { return seal_.get(); }

  // Decides whether a DNS list can be trusted; set before the first session.
  void guard_lists(std::shared_ptr<client::DnsListGuard> guard) { list_guard_ = std::move(guard); }
  client::DnsListGuard& list_guard() { return *list_guard_; }

  WallTime now() const { return clock_(); }
  Journal& journal() { return journal_; }
  crypto::KeyCache& keys() { return keys_; }
  Deferrals& deferrals() { return deferrals_; }
  Counters& counters() { return counters_; }
  // True once: for the first MTA that is sendmail.
  bool first_sendmail() { return !sendmail_seen_.exchange(true); }
  // Real time, also with another clock: two decisions at one moment of that clock need two ids.
  std::string next_id() { return ids_.next(std::chrono::system_clock::now()); }
  // Ids before this time are in use.
  void ids_after(DecisionIds::Time time) { ids_.after(time); }

 private:
  mutable Guarded<std::shared_ptr<const Snapshot>> snapshot_;
  std::shared_ptr<client::DnsListGuard> list_guard_ =
      std::make_shared<client::DnsListGuard>([](const std::string&) {});
  std::shared_ptr<const Seal> seal_;
  Journal& journal_;
  std::atomic<Keeping*> keeping_{nullptr};
  std::function<WallTime()> clock_;
  crypto::KeyCache keys_;
  Deferrals deferrals_;
  Counters counters_;
  std::atomic<bool> sendmail_seen_{false};
  DecisionIds ids_;
};

}  // namespace sekisho::session
