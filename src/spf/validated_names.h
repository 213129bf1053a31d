// spf/validated_names.h: the names of a client that its address leads to and that lead back to it.
// RFC 7208 §5.5 and §7.3. A name whose own lookup fails is skipped; names after the tenth do not
// count. Errors: none; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mail/ip_address.h"
#include "spf/lookups.h"
#include "spf/options.h"

namespace sekisho::spf {

// The type of address that a client can be found under.
dns::Type address_type(const mail::IpAddress& client);

// The question of the client's names.
dns::Name pointer_name(const mail::IpAddress& client);

// The names that a PTR answer gives and that count.
std::vector<dns::Name> pointed_names(const dns::Answer& answer, const Options& options);

// Whether the name leads back to the client. Nothing when that is not known yet.
std::optional<bool> is_validated(const dns::Name& name, const mail::IpAddress& client,
                                 Lookups& lookups);

// %{p}: <domain> itself when it is validated, or else a name below it, or else any; "unknown" when
// there is none. Nothing when that is not known yet.
std::optional<std::string> validated_name(const dns::Name& domain, const mail::IpAddress& client,
                                          Lookups& lookups, const Options& options);

bool is_or_is_below(const dns::Name& name, const dns::Name& parent);

}  // namespace sekisho::spf
