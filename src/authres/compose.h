// authres/compose.h: our own Authentication-Results field from our own results. RFC 8601 §2.7, RFC
// 9989 §9.1, RFC 6008. Methods in the order iprev, spf (helo), spf (mailfrom), dkim…, dmarc. The
// value of a `temperror` or `permerror` never has text of the sender that did not parse.
// Thread: any.
#pragma once

#include <string>
#include <vector>

#include "authres/authentication_results.h"
#include "client/result.h"
#include "dkim/result.h"
#include "dmarc/result.h"
#include "spf/result.h"

namespace sekisho::authres {

struct Inputs {
  std::string authserv_id;
  std::string decision_id;                     // "K7Q2-4D"
  std::string client_address;                  // for policy.iprev; empty without an address
  const client::IprevResult* iprev = nullptr;  // nullptr: not evaluated, no method is written
  const spf::Result* helo = nullptr;
  const spf::Result* mail_from = nullptr;
  std::string mail_from_address;  // smtp.mailfrom: the address, or the domain when it is no address
  const std::vector<dkim::SignatureResult>* dkim = nullptr;  // empty: dkim=none
  const dmarc::Result* dmarc = nullptr;
  bool author_malformed = false;  // dmarc=permerror without header.from
  bool author_sloppy =
      false;  // the From field is not valid, but all readers see the same domain in it
};

AuthenticationResults compose(const Inputs& inputs);

}  // namespace sekisho::authres
