// spf/check_host.h: may this client send for this domain? RFC 7208 §4. Pure: reads the answers
// known so far, and returns the result or the questions still open. Within the limits of
// spf/options.h over the whole evaluation, hints included.
// Errors: are results (temperror, permerror); never throws. Thread: any.
#pragma once

#include <string>

#include "base/clock.h"
#include "dns/answers.h"
#include "mail/ip_address.h"
#include "mail/mailbox.h"
#include "mail/path.h"
#include "spf/options.h"
#include "spf/result.h"

namespace sekisho::spf {

struct Query {
  Scope scope = Scope::mfrom;
  mail::IpAddress client;
  std::string helo;  // the HELO or EHLO argument as received
  // The local part and domain as received, for %{s} %{l} %{o}: any octets. For the null
  // reverse-path and for Scope::helo: "postmaster" at the HELO name (RFC 7208 §2.3, §2.4).
  std::string local_part;
  std::string domain;
  std::string receiver;  // %{r} in explanations: our own name
  WallTime now{};        // %{t} in explanations
};

// The query for a MAIL FROM as received ("" for the null reverse-path).
Query mail_from_query(const mail::IpAddress& client, std::string_view helo,
                      const mail::Path& mail_from, std::string_view receiver, WallTime now);
Query helo_query(const mail::IpAddress& client, std::string_view helo, std::string_view receiver,
                 WallTime now);

dns::Evaluation<Result> check_host(const Query& query, const dns::Answers& answers,
                                   const Options& options);

}  // namespace sekisho::spf
