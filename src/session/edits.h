// session/edits.h: how a verdict changes the header of the message.
// RFC 8601 §5: fields that claim to be ours are removed, from trusted and authenticated mail too.
// Thread: any.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "mail/header.h"
#include "mail/limits.h"
#include "policy/facts.h"
#include "policy/verdict.h"
#include "session/options.h"
#include "session/ports.h"

namespace sekisho::session {

// Every field that claims to be written by us: Authentication-Results with our id or an alias,
// X-Sekisho-Disposition, and X-Sekisho-Release, whose proof is nobody else's to see. Sees all fields of a message, also those beyond the limits of a header.
class ForgedFields {
 public:
  ForgedFields(std::string authserv_id, std::vector<std::string> aliases)
      : authserv_id_(std::move(authserv_id)), aliases_(std::move(aliases)) {}
  void see(const mail::HeaderField& field);
  // From the last to the first: an MTA renumbers the fields behind a removed one, and forged fields
  // survived in OpenDKIM that way (CVE-2022-48521).
  std::vector<policy::Edit> removals() const;
  // As many as a header may have fields: each costs memory here and a packet to the MTA.
  bool too_many() const { return found_.size() > mail::limits::header_fields; }

 private:
  bool claims_to_be_ours(const mail::HeaderField& field) const;

  std::string authserv_id_;
  std::vector<std::string> aliases_;
  std::map<std::string, std::size_t, ascii::CaseInsensitiveLess> seen_;
  std::vector<policy::Edit> found_;
};

// Our own fields: nothing for exempt clients, for a login is never published; for what was released, our results of the
// first time.
std::vector<policy::Edit> insertions(const policy::Facts& facts, const policy::Decision& decision,
                                     const std::string& authentication_results);

inline constexpr std::string_view disposition_field = "X-Sekisho-Disposition";

}  // namespace sekisho::session
