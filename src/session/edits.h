// session/edits.h: how a verdict changes the header of the message.
// RFC 8601 §5: fields that claim to be ours are removed, from trusted and authenticated mail too.
// Thread: any.
#pragma once

#include <functional>
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
// X-Sekisho-Disposition, X-Sekisho-Seal, and X-Sekisho-Release, whose proof nobody else may see.
// Sees all fields of a message, also those beyond the limits of a header.
class ForgedFields {
 public:
  struct Claim {
    policy::Edit removal;
    std::string value;      // filled only where values are kept
    bool of_alias = false;  // Authentication-Results of another host of ours
  };
  ForgedFields(std::string authserv_id, std::vector<std::string> aliases)
      : authserv_id_(std::move(authserv_id)), aliases_(std::move(aliases)) {}
  // Keep the values of the fields seen from now on: those of a trusted client may be ours.
  void keep_values() { keeps_values_ = true; }
  void see(const mail::HeaderField& field);
  // From the last to the first: an MTA renumbers the fields behind a removed one, and forged fields
  // survived in OpenDKIM that way (CVE-2022-48521).
  std::vector<policy::Edit> removals() const;
  // The same without the fields that stay: one flag for each of claims().
  std::vector<policy::Edit> removals_but(const std::vector<bool>& stay) const;
  // In the order of the message.
  const std::vector<Claim>& claims() const { return found_; }
  // The limit is that of the fields of a header: each costs memory here and a packet to the MTA.
  bool too_many() const { return found_.size() > mail::limits::header_fields; }

 private:
  // Claims whose values are kept: more than we ever wrote into one message.
  static constexpr std::size_t values_kept = 32;

  bool claims_alias(const mail::HeaderField& field) const;

  std::string authserv_id_;
  std::vector<std::string> aliases_;
  std::map<std::string, std::size_t, ascii::CaseInsensitiveLess> seen_;
  std::vector<Claim> found_;
  bool keeps_values_ = false;
};

// Inserts our own fields: none for exempt clients, because a login is never published; for a
// released message, our results of the first time. `seal` writes the proof of what is inserted,
// given the disposition; it may be nullptr.
using WriteSeal = std::function<std::string(const std::string& disposition)>;
std::vector<policy::Edit> insertions(const policy::Facts& facts, const policy::Decision& decision,
                                     const std::string& authentication_results,
                                     const WriteSeal& seal);

inline constexpr std::string_view disposition_field = "X-Sekisho-Disposition";

}  // namespace sekisho::session
