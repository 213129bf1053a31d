// session/traces.h: the fields that lists and forwarders add to a header; they explain an honest
// broken signature. RFC 2369, 2919 (List-*), RFC 8617 (ARC), RFC 5322 §3.6.6 (Resent-*).
// Thread: any.
#pragma once

#include <string>
#include <vector>

#include "mail/domain_name.h"
#include "mail/header.h"
#include "mail/path.h"
#include "policy/facts.h"

namespace sekisho::session {

// `ours`: our domains; a Delivered-To of ours is not a trace, because our own MTA writes it.
policy::Traces find_traces(const mail::Header& header, const std::vector<mail::Path>& recipients,
                           const std::vector<mail::DomainName>& ours);

// Whether one of the signatures, even a broken one, is of the author's own organisation.
bool has_author_signature(const std::vector<dkim::SignatureResult>& signatures,
                          const mail::DomainName& author, const std::string& organization);

}  // namespace sekisho::session
