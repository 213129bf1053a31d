// mail/address_list.h: the one strict parser for address lists in header fields. RFC 5322 §3.4,
// §3.4.1 and what §4.4 had inside an address (blanks, comments, routes), RFC 6532 (UTF-8). Two
// things are errors although they are valid: a text whose meaning depends on a backslash, and a
// local part that looks like another address. Readers of mail take such a text for another one
// ("Composition Kills", USENIX Security 2020). Linear time; limits: mail/limits.h.
// Errors: ParseError, a fault in words that are safe in an SMTP reply; never throws. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/mailbox.h"

namespace sekisho::mail {

struct NamedMailbox {
  std::string display_name;  // raw text of the phrase, quotes removed; encoded words not decoded
  Mailbox mailbox;
};

struct AddressList {
  std::vector<NamedMailbox> mailboxes;
  std::size_t literals = 0;  // further ones, at an IP address in brackets: they have no domain
};

// The mailboxes of a From, To, … value: groups are opened, empty list members skipped.
Expected<AddressList> parse_address_list(std::string_view value);

}  // namespace sekisho::mail
