// relay/smtp_transport.h: the Transport of the daemon: SMTP, LMTP and Maildir on the event loops.
// Before the loops end, stop() must be called.
// Errors: results. Thread: any; stop() by the owner.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "dns/resolver.h"
#include "net/loops.h"
#include "relay/lane.h"
#include "relay/transport.h"
#include "relay/workers.h"

namespace sekisho::relay {

// The authorities of the system, and those of `ca_file`. Nothing that listeners demand of their
// clients is demanded of a next hop: an old version of TLS is better than clear text.
Expected<Trust, std::string> make_trust(const std::string& ca_file);

class SmtpTransport final : public Transport {
 public:
  // The loops and the resolver must outlive it.
  SmtpTransport(net::Loops& loops, dns::Resolver& resolver, TransportOptions options);
  ~SmtpTransport() override;

  void deliver(Job job, Done done) override;
  // Whether the targets would be accepted, by MAIL, RCPT and RSET; `open` of the job is not used.
  // Code::sent means yes.
  void probe(Job job, Done done);
  void forget(const std::string& domain) override;
  // For what begins from now on, after a reload.
  void configure(TransportOptions options);
  // Everything under way ends with a 4xx, but for Maildirs, which are waited for; nothing is begun
  // any more. The loops must run.
  void stop();

 private:
  void post(Request request);

  net::Loops& loops_;
  Workers readers_;
  Workers names_;
  Workers folders_;
  Guarded<std::shared_ptr<const TransportOptions>> options_;
  Shared shared_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::shared_ptr<net::LoopExecutor>> executors_;
  bool stopped_ = false;
};

}  // namespace sekisho::relay
