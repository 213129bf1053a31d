// mail/loose_reading.h: the author of a From field that is not valid, if every reading of it gives
// the same domain.
//   iZotope, Inc. <a@example.com>        → example.com, where nothing rewrites the field behind us
//   sales@shop.example <a@example.com>   → an error: programs differ in which address they show
// Readers differ in what they take for a name, a comment, a bracket or an encoded word. So this
// parser decides none of that: every @ of the text, and of the text with its encoded words decoded,
// must be followed by that one domain, wherever a reader could let it end; and one of the addresses
// must stand outside quotes and comments. Linear time within the limits below.
// Errors: ParseError, a fault in words that are safe in an SMTP reply; never throws. Thread: any.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/mailbox.h"
#include "mail/mta.h"

namespace sekisho::mail {

struct LooseReading {
  std::vector<Mailbox> mailboxes;  // each that some reader may see, once
  DomainName domain;
};

// sendmail rewrites the field while it delivers: what it takes for an address without a domain gets
// that of this host.
Expected<LooseReading> read_loosely(std::string_view value, Mta mta);

// No reader finds an address with a domain in it, not in comments, quoted strings or encoded words
// either. An address at an IP address in brackets has none.
bool names_no_domain(std::string_view value);

// More is not looked at: no name has it.
inline constexpr std::size_t loose_value_octets = 4096;
inline constexpr std::size_t loose_at_signs = 32;

}  // namespace sekisho::mail
