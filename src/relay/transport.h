// relay/transport.h: delivers messages to their next hops: SMTP, LMTP, Maildir. One job is one
// message for the recipients of one route and one domain; its recipients each get a result.
// Connections to a hop are reused, and bounded by the route's `concurrency`. Nothing blocks.
// RFC 5321, 2033 (LMTP), 3207, 4954, 3461, 6531.
// Errors: results. Thread: deliver() from any; `done` on an event loop, or before deliver()
// returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mail/path.h"
#include "relay/map.h"

namespace sekisho::relay {

// The octets of a message as it leaves: our edits applied, lines end with CRLF, no bare CR or LF.
class Content {
 public:
  virtual ~Content() = default;
  virtual std::uint64_t size() const = 0;
  // At most `count` octets from `offset`; fewer at the end. Reads a file; the sentence says why
  // not.
  virtual Expected<std::string, std::string> read(std::uint64_t offset, std::size_t count) = 0;
};

struct Target {
  mail::Path path;
  std::vector<std::string> parameters;  // of DSN: "NOTIFY=FAILURE", "ORCPT=rfc822;a@b"
};

struct Job {
  std::string id;  // of the message, for the log
  mail::Path sender;
  std::vector<std::string> parameters;  // of MAIL FROM: "RET=HDRS", "ENVID=x", "SMTPUTF8"
  std::vector<Target> targets;          // at least one; all of the same domain
  std::string domain;                   // of the targets, lower-case A-labels
  std::shared_ptr<const Map> map;       // route and egress are taken from it
  // Opens the message when it is its turn.
  std::function<Expected<std::unique_ptr<Content>, std::string>()> open;
};

struct Result {
  enum class Code {
    sent,
    deferred,  // try again: a 4xx, no connection, an answer out of order
    failed,    // a 5xx, a null MX: bounce
    // A fault of this side: the mail waits, with an alarm, and is held instead of bounced at the
    // end: our password is refused, our address is missing, TLS that our route demands.
    own_fault,
    // The next hop is this host, or it says that it is a loop.
    loop,
  };
  Code code = Code::deferred;
  std::string status;  // RFC 3463: "4.4.1"; always set
  std::string reply;   // the whole remote reply, lines joined by "\n"; empty without one
  std::string why;     // for people: "connect to mx.example[192.0.2.1]:25: Connection refused"
  std::string host;    // "mx.example[192.0.2.1]:25"; empty without one
  // own_fault: what is out of order, the same for all that wait for it:
  // "route:me at [relay.example]:587".
  std::string fault;
  // sent: the next hop has DSN (RFC 3461): it was told who wants to know, and reports itself.
  bool dsn = false;
  // The reply is to the recipient's own RCPT: no other can say that it does not exist.
  bool at_rcpt = false;
  std::chrono::milliseconds took{0};
};

struct DialogueLine {
  char who = 'C';  // C: we; S: the other side; *: what happened ("TLSv1.3 …")
  std::string text;
};

struct JobResult {
  std::vector<Result> results;         // one for each target
  std::vector<DialogueLine> dialogue;  // the last 40 lines; secrets are left out
  std::string tls;                     // "TLSv1.3 TLS_AES_256_GCM_SHA384 verified"; empty: none
};

class Transport {
 public:
  virtual ~Transport() = default;
  using Done = std::function<void(JobResult)>;
  virtual void deliver(Job job, Done done) = 0;
  // Forgets what it believes of the hop of this domain: paused, broken TLS, slow start. Empty: all.
  virtual void forget(const std::string& domain) = 0;
};

}  // namespace sekisho::relay
