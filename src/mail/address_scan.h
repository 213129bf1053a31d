// mail/address_scan.h: every address that some reader could find in a header value, for denial
// alone. The opposite of mail/address_list.h: nothing is an error, and one text may yield several
// readings ("a@b(x).example" is a@b and a@b.example), with encoded words decoded and not. So the
// result proves nothing and permits nothing. An empty local part means that only the domain could
// be read. Linear time.
// Errors: nothing; never throws. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/mailbox.h"

namespace sekisho::mail {

std::vector<Mailbox> scan_addresses(std::string_view value);

// The fullwidth at signs of East Asia become `@`: some readers take them for one.
std::string with_plain_at_signs(std::string_view text);

}  // namespace sekisho::mail
