// relay/callout.h: asks the next hop of a route whether a recipient exists (recipients = "ask"):
// MAIL FROM:<> and RCPT by the route's own TLS and egress. Only 550, 551 or 553 with 5.1.x say that
// it does not. A yes is remembered for 31 days and bridges the time when the hop is away; a no for
// an hour.
// Errors: Answer::Code::unknown, which is a 4xx. Thread: any; `done` on an event loop, or before
// ask() returns.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/alarms.h"
#include "base/log.h"
#include "net/loops.h"
#include "relay/known_recipients.h"
#include "relay/smtp_transport.h"

namespace sekisho::relay {

class Callout {
 public:
  struct Answer {
    enum class Code { exists, missing, unknown };
    Code code = Code::unknown;
    std::string reply;  // of the next hop, or why there is none; printable
  };
  using Done = std::function<void(Answer)>;
  struct Options {
    std::string file = "/var/lib/sekisho/recipients";
    // The client waits meanwhile, and a server that checks recipients answers at once.
    std::chrono::milliseconds patience{10'000};
  };

  Callout(SmtpTransport& transport, net::Loops& loops, Workers& disk, Log& log, Alarms& alarms,
          const Options& options);
  ~Callout();

  // `recipient` has a domain, whose route in `map` says "ask".
  void ask(const mail::Path& recipient, std::shared_ptr<const Map> map, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// What the result of a probe says. RFC 3463 §3.2.
Callout::Answer::Code meaning_of(const Result& result);

}  // namespace sekisho::relay
