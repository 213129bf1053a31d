// mail/address_list.h: the one strict parser for address lists in header fields.
// RFC 5322 §3.4, RFC 6532 (UTF-8). Where readers of mail differ about a text (a second `@`, text
// after `>`, the routes, blanks and comments that §4.4 had inside an address, encoded words in it,
// control characters, bare CR or LF, text that runs backwards), it is an error: an identity on
// which readers differ is a forgery tool ("Composition Kills", USENIX Security 2020). Linear time;
// comments nested or mailboxes beyond mail/limits.h are errors. Errors: ParseError; never throws.
// Thread: any.
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

// The mailboxes of a From, To, … value: groups are opened, empty list members skipped.
Expected<std::vector<NamedMailbox>> parse_address_list(std::string_view value);

}  // namespace sekisho::mail
