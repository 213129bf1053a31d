// client/dnsbl.h: is an address or a domain in a DNS list? RFC 5782 §2. Pure: reads the answers
// known so far.
//   for (auto& lookup : address_lookups(options, client)) …
//   // for each list that holds HELO names:
//   if (auto domain = listable(helo)) domain_lookup(list, DnsListOn::helo, *domain)
//   look_up(lookup, answers, Reason::wanted)  → needs A; after a hit TXT; then the result
// A hit counts without its TXT: a caller that cannot wait uses Reason::if_known.
// Errors: are results; never throws. Thread: any.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/options.h"
#include "client/result.h"
#include "dns/answers.h"
#include "mail/domain_name.h"
#include "mail/ip_address.h"

namespace sekisho::client {

// One value in one list. `list` must outlive it.
struct DnsListLookup {
  const DnsListDefinition* list = nullptr;
  DnsListOn on = DnsListOn::client;
  std::string value;
  // The question for the codes; nullopt: the name would be too long, so the value cannot be listed.
  std::optional<dns::Question> question;
};

// A hit waits at most this long for the list's TXT, which comes from the servers that have just
// answered.
inline constexpr std::chrono::milliseconds reason_wait{500};
// At most this much of a list's TXT is kept: the reply line has room for it, the rest and the id.
inline constexpr std::size_t max_reason_octets = 200;

// All lists that hold addresses.
std::vector<DnsListLookup> address_lookups(const Options& options, const mail::IpAddress& client);
// The form of a received name (HELO or a domain) that a list may hold, in A-labels; nullopt for
// what is not a domain (an address literal, "localhost", 192.0.2.1).
std::optional<std::string> listable(std::string_view name);
// The lookup of `domain` in `list`, which must hold domains of this origin.
DnsListLookup domain_lookup(const DnsListDefinition& list, DnsListOn on, const std::string& domain);

enum class Reason { wanted, if_known };

dns::Evaluation<DnsListResult> look_up(const DnsListLookup& lookup, const dns::Answers& answers,
                                       Reason reason);
// The result while there is no answer.
DnsListResult unanswered(const DnsListLookup& lookup);
// The result if the message has named so many values that no more are looked up.
DnsListResult not_asked(const DnsListLookup& lookup);

// The fault of a list by a failed answer: `none` if it failed on our side of the resolver.
DnsListFault fault_of_error(std::string_view error);

// The TXT of a list in a form that may be shown: printable ASCII, bounded, without a key of the
// list's, or the zone that holds it.
std::string clean_reason(std::string_view text, const DnsListDefinition& list);

}  // namespace sekisho::client
