// policy/access_entry.h: one entry of an allowlist or denylist.
//   dkim:lists.freebsd.org  dmarc=accept  note="list breaks From alignment"
//   from:parcel.example     proof=dkim:mailer.example  dmarc=accept
// Errors: ParseError says what to write instead; never throws.
// Thread: immutable values.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/words.h"
#include "mail/ip_address.h"
#include "policy/access_match.h"

namespace sekisho::policy {

enum class AccessKind { allow, deny };
constexpr auto words_of(AccessKind) {
  return words<AccessKind>({{AccessKind::allow, "allowlist"}, {AccessKind::deny, "denylist"}});
}

struct AccessEntry {
  IdentityKind kind = IdentityKind::from;
  std::string local_part;  // of an address, unquoted, in lower case; empty: the whole domain
  // A-labels in lower case; ".example.com": all names below it, but not itself. Empty for ip:
  // entries.
  std::string domain;
  std::optional<mail::IpPrefix> prefix;  // ip: entries
  Proof proof = Proof::none;             // the proof that an allow entry needs
  // from: entries: who must vouch for the author: exactly the d= of a signature, or the domain of
  // MAIL FROM.
  std::string proof_of;
  std::optional<mail::IpPrefix> proof_prefix;  // … or the client's address; proof_of is its text
  AccessEffect effect;                         // allow entries
  Action deny = Action::reject;                // deny entries: reject, quarantine or tag
  std::optional<WallTime> until;               // from then on it does nothing
  std::string note;
  std::shared_ptr<const std::string> file;  // where it stands
  std::size_t line = 0;

  // `text` must have neither blanks around it nor a comment.
  static Expected<AccessEntry> parse(std::string_view text, AccessKind list);

  bool expired(WallTime now) const { return until && *until <= now; }
  std::string identity() const;  // "dkim:lists.freebsd.org"
  std::string place() const;     // "/etc/sekisho/allowlist:7"
  // As parse() reads it, without defaults.
  std::string text(AccessKind list) const;
  std::string until_text() const;  // "2027-01-31"; the last day that it holds
};

// A kind's name before a colon: how an entry begins.
bool begins_entry(std::string_view text);

}  // namespace sekisho::policy
