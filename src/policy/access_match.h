// policy/access_match.h: the entries of the allowlist and the denylist that a message matches.
// Plain values: part of Facts, printed by the log line, the record and the explanation.
// Thread: immutable values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.h"
#include "client/result.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// What an entry names: the Author Domain or author, the MAIL FROM, the d= of a signature, the
// client's address, its name by reverse DNS, its HELO name (for denial only).
enum class IdentityKind { from, mfrom, dkim, ip, ptr, helo };
constexpr auto words_of(IdentityKind) {
  return words<IdentityKind>({{IdentityKind::from, "from"},
                              {IdentityKind::mfrom, "mfrom"},
                              {IdentityKind::dkim, "dkim"},
                              {IdentityKind::ip, "ip"},
                              {IdentityKind::ptr, "ptr"},
                              {IdentityKind::helo, "helo"}});
}

// The proof that the identity is not forged. `connection`: the address of a TCP client, which
// cannot be forged. `none`: the admin demanded no proof. A from: entry may name whose signature,
// SPF or connection is required (AccessEntry::proof_of): then the author is trusted if that one
// vouches for the message.
enum class Proof { dmarc, dkim, spf, fcrdns, connection, none };
constexpr auto words_of(Proof) {
  return words<Proof>({{Proof::dmarc, "dmarc"},
                       {Proof::dkim, "dkim"},
                       {Proof::spf, "spf"},
                       {Proof::fcrdns, "fcrdns"},
                       {Proof::connection, "connection"},
                       {Proof::none, "none"}});
}

// What an entry may skip. Nothing skips relay control, or a limit of size or rate.
struct AccessEffect {
  client::DnsKindSet skip_lists;  // hits in DNS lists of these kinds
  bool skip_author = false;       // the rule about malformed authors; ip: entries only
  bool skip_smtp = false;         // the rules of [smtp]; ip: entries only
  std::optional<Action> dmarc;    // accept, tag or quarantine: the most that DMARC may do
  std::optional<Action> spf;      // accept

  bool nothing() const {
    return skip_lists.empty() && !skip_author && !skip_smtp && !dmarc && !spf;
  }
  // `skip=all` of an address covers the rules of [smtp] too.
  bool skips_smtp() const {
    return skip_smtp || (skip_lists.holds_all_of(client::accusing_kinds()) && dmarc && spf);
  }
  bool operator==(const AccessEffect&) const = default;
};

// An entry that names an identity of the message.
struct AccessMatch {
  IdentityKind kind = IdentityKind::from;
  std::string entry;          // "dkim:lists.freebsd.org", the admin's own text
  std::string place;          // "/etc/sekisho/allowlist:7"
  Proof proof = Proof::none;  // what the entry demands
  // … and whose: "mailer.example", "192.0.2.0/28"; empty: of the identity itself
  std::string proof_of;
  bool proven = false;  // the identity is not forged
  // Allowlist: it is proven, or the admin demanded no proof; but not for an author of our own that
  // it does not name. Denylist: always.
  bool holds = false;
  std::string reason;          // why it is proven or not: "dkim=pass", "spf=softfail"
  AccessEffect effect;         // allowlist: what it may skip, once it holds
  std::optional<Action> deny;  // denylist: what is done

  bool operator==(const AccessMatch&) const = default;
};

// Everything that the holding entries may skip together; the mildest permission wins.
AccessEffect effect_of(const std::vector<AccessMatch>& matches);

// "dkim", "dkim:mailer.example".
std::string proof_text(Proof proof, std::string_view proof_of);
// "proven", "unproven", "proof=none" if it holds without proof, "own-domain" if it is proven but
// does not hold.
std::string_view standing(const AccessMatch& match);
// "skip=dnsbl,rhsbl dmarc=accept"; empty for nothing().
std::string to_text(const AccessEffect& effect);

}  // namespace sekisho::policy
