// mail/author.h: the author that a message names. RFC 9989 §5.3.1 and §11.5, RFC 5322 §3.6.2: one
// From field, one or more mailboxes, exactly one domain. A field that is not valid may be readable:
// every reader sees that one domain (mail/loose_reading.h). Anything else is malformed, and only
// `missing` and `no_domain` may be tolerated under MAIL FROM `<>`.
// Errors: are results; never throws. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "base/words.h"
#include "mail/header.h"
#include "mail/loose_reading.h"
#include "mail/mailbox.h"

namespace sekisho::mail {

struct Author {
  enum class Result {
    one,              // exactly one domain
    readable,         // not valid, and yet every reader sees the same domain
    many,             // mailboxes of more than one domain (also over several From fields)
    multiple_fields,  // more than one From field, though all name one domain
    missing,          // no From field, or one that names nobody (empty group)
    // a From field without a domain for anybody ("alice", "<>", "MAILER-DAEMON@[192.0.2.1]")
    no_domain,
    invalid,  // a From field that readers do not agree on
  };
  Result result = Result::missing;
  std::vector<Mailbox> mailboxes;   // as far as they could be read
  std::vector<DomainName> domains;  // distinct, in order of appearance
  // The fault, when result is not `one`: our own words, safe in an SMTP reply.
  std::string reason;

  // There is one Author Domain, the same for every reader of the field.
  bool well_formed() const { return result == Result::one || readable(); }
  // The field is not valid, but every reader sees the same domain.
  bool readable() const { return result == Result::readable; }
  // The Author Domain; only when well_formed().
  const DomainName& domain() const { return domains.front(); }
  bool operator==(const Author&) const = default;
};
constexpr auto words_of(Author::Result) {
  return words<Author::Result>({{Author::Result::one, "one"},
                                {Author::Result::readable, "readable"},
                                {Author::Result::many, "many"},
                                {Author::Result::multiple_fields, "multiple-fields"},
                                {Author::Result::missing, "missing"},
                                {Author::Result::no_domain, "no-domain"},
                                {Author::Result::invalid, "invalid"}});
}

// `malformed_lines`: header lines that are no fields (mail::Message::malformed): one that a lenient
// reader could take for a From field makes the author invalid. `mta`: the program that delivers the
// message, which may rewrite the field.
Author find_author(const Header& header, const std::vector<std::string>& malformed_lines = {},
                   Mta mta = Mta::own);

// For denial alone, when the field is not valid: every address that some reader could find in what
// could be a From field (mail/address_scan.h).
std::vector<Mailbox> readable_authors(const Header& header,
                                      const std::vector<std::string>& malformed_lines);

}  // namespace sekisho::mail
