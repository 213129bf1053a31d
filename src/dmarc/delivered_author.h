// dmarc/delivered_author.h: the domain that From has when sendmail has delivered the message. Where
// it is not told otherwise (DontExpandCnames, nocanonify), it puts in the place of a domain that is
// an alias (CNAME) what the alias leads to, after every filter: what a user reads is that domain,
// so its owner's policy must decide. Done as dns_getcanonname of sendmail 8.17.1 does it. Pure:
// reads the answers known so far. Errors: `failure`. Thread: any.
#pragma once

#include <string>

#include "dns/answers.h"
#include "mail/domain_name.h"

namespace sekisho::dmarc {

struct DeliveredAuthor {
  mail::DomainName domain;  // the one asked for, when it is no alias
  std::string failure;  // not empty: the DNS did not say, and sendmail will ask again until it does
};

dns::Evaluation<DeliveredAuthor> delivered_author(const mail::DomainName& author,
                                                  const dns::Answers& answers);

}  // namespace sekisho::dmarc
