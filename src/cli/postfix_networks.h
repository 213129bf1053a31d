// cli/postfix_networks.h: networks that the Postfix of this host trusts and we do not: our own
// hosts would be judged as strangers, and refused in the name of our own domain.
// Errors: none; text that is not a network is ignored. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/ip_address.h"
#include "session/options.h"

namespace sekisho::cli {

inline constexpr const char* postfix_main_cf = "/etc/postfix/main.cf";

// The networks in `mynetworks` of that text (postconf(5)) that are in neither list; loopback and
// tables are skipped.
std::vector<mail::IpPrefix> not_trusted_here(std::string_view main_cf,
                                             const session::TrustOptions& trust);

// A sentence for each; none if there is no such file.
std::vector<std::string> warn_of_postfix(const std::string& path,
                                         const session::TrustOptions& trust);

}  // namespace sekisho::cli
