// policy/proofs.h: what is proven about the sender and the author of a message. An SPF pass by a
// record that allows nearly everybody proves nothing. Pure: no I/O, no clock.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string_view>

#include "mail/domain_name.h"
#include "mail/mailbox.h"
#include "policy/facts.h"

namespace sekisho::policy {

// The Author Domain whose policy decides: for an alias that the MTA will replace, its target. The
// author must be well-formed.
mail::DomainName judged_author(const Facts& facts);
// The MAIL FROM, read strictly: an address with several readings proves nothing. nullopt for the
// null reverse-path.
std::optional<mail::Mailbox> sender_of(const Facts& facts);
// SPF passed for the domain of the MAIL FROM, which is this one.
bool spf_proves(const Facts& facts, std::string_view domain);
// dmarc=pass that proves the author.
bool dmarc_proves(const Facts& facts);
// SPF or DKIM passed for a domain of the author, with or without a published policy.
bool author_proves(const Facts& facts);
// The proof of the author is not known now, because the DNS fails.
bool author_may_be_proven_later(const Facts& facts);

}  // namespace sekisho::policy
