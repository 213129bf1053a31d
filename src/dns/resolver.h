// dns/resolver.h: asks questions of the DNS, or of a zone file alone.
// Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "dns/answers.h"

namespace sekisho::dns {

// The state of a resolver for `sekisho status`. Counters since start.
struct ResolverStatus {
  std::uint64_t questions = 0;  // asked of us
  std::uint64_t cache_hits = 0;
  std::uint64_t coalesced = 0;  // joined an equal question in flight
  std::uint64_t sent = 0;       // datagrams and TCP queries sent
  std::uint64_t answered = 0;   // answers that were used
  std::uint64_t timeouts = 0;
  std::uint64_t failures = 0;  // answers that became Outcome::error for another reason
  std::uint64_t ignored = 0;   // datagrams that matched no question (wrong id, port or question)
  std::size_t cache_entries = 0;
  std::size_t in_flight = 0;
  std::vector<std::string> servers;  // "127.0.0.1:53", in the order they are tried
  std::string problem;               // with resolv.conf: a sentence; empty when there is none
};

class Resolver {
 public:
  using Callback = std::function<void(AnswerPtr)>;
  // Names a question for cancel().
  using Ticket = std::uint64_t;

  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  // The answer if it is at hand without waiting (cache, zone); nullptr otherwise.
  virtual AnswerPtr at_hand(const Question& question) = 0;
  // Asks; `done` is called exactly once, on the resolver's thread or before ask() returns, with an
  // answer that may be an error ("timeout" after the configured time). `done` must not block and
  // must not throw.
  virtual Ticket ask(const Question& question, Callback done) = 0;
  // After cancel() returns, the callback will not be called, unless it is being called now.
  virtual void cancel(Ticket ticket) = 0;
  virtual ResolverStatus status() const = 0;
};

}  // namespace sekisho::dns
