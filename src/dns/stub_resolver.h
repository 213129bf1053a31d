// dns/stub_resolver.h: asks the configured servers, asynchronously, and trusts their answers: they
// should be validating resolvers on this host. Questions are sent by the thread that asks; one
// thread of ours waits for all answers. RFC 1035, 2308, 5452, 6891, 7766.
// Errors: answers with Outcome::error; construction throws std::system_error when the system gives
// no descriptor or thread.
// Thread: any, internally locked.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/unique_handle.h"
#include "dns/in_flight.h"
#include "dns/options.h"
#include "dns/resolver.h"
#include "dns/resolver_loop.h"
#include "dns/server_address.h"

namespace sekisho::dns {

class StubResolver : public Resolver {
 public:
  // Asks `servers`. If that is empty: the servers of the file `resolv_conf`, also after it changes;
  // and as long as the file names none, those it named before, `last_good`.
  StubResolver(const Options& options, std::vector<ServerAddress> servers, std::string resolv_conf,
               std::vector<ServerAddress> last_good = {});
  // Open questions end with the error "shutting down". Must not be called from a callback.
  ~StubResolver() override;

  // The TTL of a cached answer is the one with which it arrived.
  AnswerPtr at_hand(const Question& question) override;
  Ticket ask(const Question& question, Callback done) override;
  void cancel(Ticket ticket) override;
  ResolverStatus status() const override;

 private:
  UniqueFd epoll_;
  Guarded<InFlight> state_;
  ResolverLoop loop_;
  std::thread thread_;
};

}  // namespace sekisho::dns
