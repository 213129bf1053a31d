// relay/via.h: reads `via` of a route: how mail for it leaves.
//   via = "lmtp:unix:" path / "lmtp:" host ":" port / "maildir:" path / "mx" / "discard"
//       / ("smtp:" / "smtps:") "[" host "]" [":" port] / "smtp:" domain [":" port]
//   host = domain / IPv4 / IPv6 ["%" interface]            (lmtp: IPv6 in brackets)
// The path of a Maildir may have {domain} and {user}. Without a port: 25; smtps 465.
// Errors: a sentence for the admin: what is wrong, and what to write. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "mail/prefix_set.h"
#include "relay/options.h"

namespace sekisho::relay {

Expected<Via> parse_via(std::string_view text);
// As parse_via() reads it, with the port.
std::string text_of(const Via& via);

// "example.jp", ".example.jp", "*" of `domain` and `to`: lower-case A-labels.
Expected<std::string> parse_route_domain(std::string_view text);

// "users", "any", "ask" or "file:PATH".
Expected<Recipients> parse_recipients(std::string_view text);
std::string text_of(const Recipients& recipients);

// `from` of a permit that was read already; what cannot be read is left out.
mail::PrefixSet networks_of(const Permit& permit);

}  // namespace sekisho::relay
