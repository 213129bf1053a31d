// dns/zone_resolver.h: a resolver that knows one zone and nothing else. Every answer is at hand;
// ";!timeout" is the error "timeout" without the wait.
// Thread: any, internally locked.
#pragma once

#include <atomic>
#include <string>

#include "dns/resolver.h"
#include "dns/zone.h"

namespace sekisho::dns {

class ZoneResolver : public Resolver {
 public:
  // `source` is what status() names as the server.
  explicit ZoneResolver(Zone zone, std::string source = "zone")
      : zone_(std::move(zone)), source_(std::move(source)) {}

  AnswerPtr at_hand(const Question& question) override;
  Ticket ask(const Question& question, Callback done) override;
  void cancel(Ticket) override {}
  ResolverStatus status() const override;

 private:
  const Zone zone_;
  const std::string source_;
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<std::uint64_t> timeouts_{0};
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace sekisho::dns
