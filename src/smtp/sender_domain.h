// smtp/sender_domain.h: whether the domain of MAIL FROM exists, and does not say by a null MX that
// it sends and takes no mail. RFC 5321 §5.1, RFC 7505.
// Errors: Code::failed. Thread: one owner; `notify` is called on the resolver's thread, or within
// the constructor, and must be cheap.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dns/inquiry.h"
#include "dns/resolver.h"
#include "mail/path.h"

namespace sekisho::smtp {

class SenderDomain {
 public:
  enum class Code {
    open,     // not known yet
    good,     // or there is none to look at: the null sender, a literal
    missing,  // NXDOMAIN
    null_mx,  // the domain says that it takes no mail
    failed,   // the DNS did not answer
  };
  SenderDomain(dns::Resolver& resolver, const dns::Options& options, const mail::Path& sender,
               std::function<void()> notify);

  // As far as is known now.
  Code code();
  SteadyTime deadline() const { return inquiry_.deadline(); }
  void expire() { inquiry_.expire(); }

 private:
  std::vector<dns::Question> questions_;  // MX, A, AAAA; empty: none
  dns::Inquiry inquiry_;
};

}  // namespace sekisho::smtp
