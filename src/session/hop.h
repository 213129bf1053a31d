// session/hop.h: the Received field of our own hop, which a milter never sees: the MTA writes it,
// and not into what the filter is given. For messages that are kept as they came. RFC 5321 §4.4.
// Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "mail/header.h"
#include "policy/facts.h"

namespace sekisho::session {

// The value, folded, with its leading blank. `peer`: whoever connected; `by`: this host's name.
// Says only what is known: a filter is not told with which protocol the message came.
std::string received_field(const policy::Facts& facts, const policy::Client& peer,
                           std::string_view by);

// The first field of that name, unfolded; empty without one.
std::string first_field(const mail::Header& header, std::string_view name);

}  // namespace sekisho::session
