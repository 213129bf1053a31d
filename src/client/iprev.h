// client/iprev.h: whether the name of the client's address leads back to that address. RFC 8601 §3.
// Pure: reads the answers known so far. At most 10 names are followed. pass: a name resolves back;
// fail: none does; permerror: the address has no name; temperror: an answer failed and no other
// name passed.
// Errors: are results; never throws. Thread: any.
#pragma once

#include "client/result.h"
#include "dns/answers.h"
#include "mail/ip_address.h"

namespace sekisho::client {

dns::Evaluation<IprevResult> iprev(const mail::IpAddress& client, const dns::Answers& answers);

}  // namespace sekisho::client
