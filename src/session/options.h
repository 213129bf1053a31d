// session/options.h: our identity, the hosts that we trust, and where held messages go. [identity],
// [trust], [quarantine].
// Thread: immutable values.
#pragma once

#include <string>
#include <vector>

#include "base/words.h"
#include "mail/domain_name.h"
#include "mail/ip_address.h"
#include "mail/prefix_set.h"

namespace sekisho::session {

struct IdentityOptions {
  std::string authserv_id;  // empty: the MTA's own name (macro j), else hostname
  // ids of our other hosts: their fields are removed too
  std::vector<std::string> authserv_aliases;
  std::string hostname;                             // empty: the host's own name
  std::string seal_file = "/var/lib/sekisho/seal";  // the secret that proves our own fields
  std::vector<mail::DomainName> domains;            // ours: nobody outside may be their author
  // Of the SMTP core:
  std::string origin;  // the domain of bare names and of our bounces; empty: hostname
  // Public addresses that a router forwards to us.
  std::vector<mail::IpAddress> addresses;
  std::string postmaster;    // gets the daily summary; empty: postmaster@origin
  std::string local_sender;  // replaces the sender of local mail that leaves; empty: none does
};

enum class OnAuthenticated { skip, evaluate };
constexpr auto words_of(OnAuthenticated) {
  return words<OnAuthenticated>(
      {{OnAuthenticated::skip, "skip"}, {OnAuthenticated::evaluate, "evaluate"}});
}

struct TrustOptions {
  mail::PrefixSet networks;            // not evaluated
  std::vector<mail::IpPrefix> relays;  // ours: their mail is judged by the hop before them
  OnAuthenticated authenticated = OnAuthenticated::skip;
};

enum class QuarantineWhere { mta, store, junk };
constexpr auto words_of(QuarantineWhere) {
  return words<QuarantineWhere>({{QuarantineWhere::mta, "mta"},
                                 {QuarantineWhere::store, "store"},
                                 {QuarantineWhere::junk, "junk"}});
}
// What a message gets for which the store has no room.
enum class WhenFull { tempfail, mta, reject };
constexpr auto words_of(WhenFull) {
  return words<WhenFull>(
      {{WhenFull::tempfail, "tempfail"}, {WhenFull::mta, "mta"}, {WhenFull::reject, "reject"}});
}

struct QuarantineOptions {
  QuarantineWhere where = QuarantineWhere::mta;
  WhenFull when_full = WhenFull::tempfail;
};

struct Options {
  IdentityOptions identity;
  TrustOptions trust;
  QuarantineOptions quarantine;
};

}  // namespace sekisho::session
