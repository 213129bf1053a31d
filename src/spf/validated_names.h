// spf/validated_names.h: the names to which a client's address leads (PTR), and that lead back to
// it. RFC 7208 §5.5 and §7.3. A name whose own lookup fails is skipped; names after the tenth do
// not count.
// Errors: none; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mail/ip_address.h"
#include "spf/lookups.h"
#include "spf/options.h"

namespace sekisho::spf {

// The type of record that holds the client's address.
dns::Type address_type(const mail::IpAddress& client);

// The question of the client's names.
dns::Name pointer_name(const mail::IpAddress& client);

// The names of a PTR answer, up to the limit.
std::vector<dns::Name> pointed_names(const dns::Answer& answer, const Options& options);

// Whether the name leads back to the client; nullopt if that is not known yet.
std::optional<bool> is_validated(const dns::Name& name, const mail::IpAddress& client,
                                 Lookups& lookups);

// %{p}: <domain> itself when it is validated, else a name below it, else any name; "unknown" if
// there is none. nullopt if that is not known yet.
std::optional<std::string> validated_name(const dns::Name& domain, const mail::IpAddress& client,
                                          Lookups& lookups, const Options& options);

bool is_or_is_below(const dns::Name& name, const dns::Name& parent);

}  // namespace sekisho::spf
