// policy/proofs.h: what of a message is proven: who sent it, and who wrote it. SPF that passes by a
// record that allows nearly everybody proves nothing.
// Pure: no I/O, no clock. Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string_view>

#include "mail/domain_name.h"
#include "mail/mailbox.h"
#include "policy/facts.h"

namespace sekisho::policy {

// The Author Domain whose policy decides: of an alias that the MTA will replace, what it leads to.
// The author is well-formed.
mail::DomainName judged_author(const Facts& facts);
// The MAIL FROM, read strictly: an address that readers could take in several ways proves nothing.
// None for the null reverse-path.
std::optional<mail::Mailbox> sender_of(const Facts& facts);
// SPF passed for the domain of the MAIL FROM, which is this one.
bool spf_proves(const Facts& facts, std::string_view domain);
// dmarc=pass that shows who the author is.
bool dmarc_proves(const Facts& facts);
// SPF or DKIM passed for a domain of the author's, whether or not its owner publishes a policy.
bool author_proves(const Facts& facts);
// What could prove the author is not known now, because a DNS fails.
bool author_may_be_proven_later(const Facts& facts);

}  // namespace sekisho::policy
