// session/edits.h: how a verdict changes the header of the message.
// RFC 8601 §5: fields that claim to be ours are removed, from trusted and authenticated mail too.
// Thread: any.
#pragma once

#include <string>
#include <vector>

#include "mail/header.h"
#include "policy/facts.h"
#include "policy/verdict.h"
#include "session/options.h"

namespace sekisho::session {

// Removals, from the last to the first, of every field that claims to be written by us:
// Authentication-Results with our id or an alias, and X-Sekisho-Disposition.
std::vector<policy::Edit> removals(const mail::Header& header, const std::string& authserv_id,
                                   const std::vector<std::string>& aliases);

// Our own fields: nothing for exempt clients, for a login is never published.
std::vector<policy::Edit> insertions(const policy::Facts& facts, const policy::Decision& decision,
                                     const std::string& authentication_results);

inline constexpr std::string_view disposition_field = "X-Sekisho-Disposition";

}  // namespace sekisho::session
