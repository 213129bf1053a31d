// dmarc/delivered_author.h: the domain of From after sendmail has delivered the message. By default
// (without DontExpandCnames or nocanonify) sendmail replaces a domain that is an alias (CNAME) by
// the target of the alias, after all filters. The user reads the target, so the policy of its owner
// must decide. Follows dns_getcanonname of sendmail 8.17.1. Pure: reads the answers known so far.
// Errors: `failure`. Thread: any.
#pragma once

#include <string>

#include "dns/answers.h"
#include "mail/domain_name.h"

namespace sekisho::dmarc {

struct DeliveredAuthor {
  mail::DomainName domain;  // the given domain, if it is not an alias
  std::string failure;  // not empty: the DNS did not say, and sendmail will ask again until it does
};

dns::Evaluation<DeliveredAuthor> delivered_author(const mail::DomainName& author,
                                                  const dns::Answers& answers);

}  // namespace sekisho::dmarc
