// session/dns_list_watch.h: runs the self-tests of the DNS lists (RFC 5782 §5): at the start,
// hourly, and sooner for a disabled list.
//   DnsListWatch watch(guard);
//   watch.start(resolver, options, steady_now()); … watch.tick(steady_now());
// Does not block: the results reach the guard from the resolver's thread.
// Errors: are results of a test. Thread: any, internally locked.
#pragma once

#include <memory>

#include "base/clock.h"
#include "client/dns_list_health.h"
#include "dns/resolver.h"

namespace sekisho::session {

class DnsListWatch {
 public:
  // A look at the clock every so often is enough; tick() may be called more often.
  static constexpr std::chrono::seconds tick_every{5};

  explicit DnsListWatch(std::shared_ptr<client::DnsListGuard> guard);
  DnsListWatch(const DnsListWatch&) = delete;
  DnsListWatch& operator=(const DnsListWatch&) = delete;
  // Cancels what is in flight.
  ~DnsListWatch();

  // Called at the start and after a reload, with the lists and the resolver. New lists are tested
  // now and do not count before.
  void start(std::shared_ptr<dns::Resolver> resolver, const client::Options& options,
             SteadyTime now);
  // Begins the tests that are due.
  void tick(SteadyTime now);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // outlives us in the resolver's hands
};

}  // namespace sekisho::session
