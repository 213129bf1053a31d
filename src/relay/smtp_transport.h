// relay/smtp_transport.h: the Transport of the daemon: SMTP, LMTP and Maildir on the event loops.
// Before the loops end, stop() must be called.
// Errors: results. Thread: any; stop() by the owner.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "dns/options.h"
#include "dns/resolver.h"
#include "net/loops.h"
#include "relay/lane.h"
#include "relay/transport.h"
#include "relay/workers.h"
#include "tls/client_context.h"

namespace sekisho::relay {

// Whom we trust among next hops.
struct Trust {
  std::shared_ptr<const tls::ClientContext> any;       // what is found wrong is only noted
  std::shared_ptr<const tls::ClientContext> verified;  // demands a verified certificate
};

class SmtpTransport final : public Transport {
 public:
  // `delimiter`: of address extensions. The loops and the resolver must outlive it.
  SmtpTransport(net::Loops& loops, dns::Resolver& resolver, const dns::Options& dns, Trust trust,
                std::string delimiter);
  ~SmtpTransport() override;

  void deliver(Job job, Done done) override;
  // Whether the targets would be accepted, by MAIL, RCPT and RSET; `open` of the job is not used.
  // Code::sent means yes.
  void probe(Job job, Done done);
  void forget(const std::string& domain) override;
  // For new connections, after a reload.
  void trust(Trust trust);
  // Everything under way ends with a 4xx, but for Maildirs, which are waited for; nothing is begun
  // any more. The loops must run.
  void stop();

 private:
  void post(Request request);

  net::Loops& loops_;
  Workers readers_;
  Workers names_;
  Workers folders_;
  Guarded<Trust> trust_;
  Shared shared_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::shared_ptr<net::LoopExecutor>> executors_;
  bool stopped_ = false;
};

}  // namespace sekisho::relay
