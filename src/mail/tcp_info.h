// mail/tcp_info.h: the comment in a Received field that holds what the receiving host's socket
// said. RFC 5321 §4.4: TCP-info = address-literal / ( Domain FWS address-literal ), and the
// dialects:
//   name [192.0.2.1]     [IPv6:2001:db8::1]     192.0.2.1     ident@192.0.2.1
//   name [192.0.2.1] (may be forged)            [192.0.2.1]:2525     192.0.2.1:2525
//   [192.0.2.1] helo=x     IDENT:user@name [192.0.2.1]     name[192.0.2.1]
//   name [192.0.2.1] and a note of any kind, as long as no other address is in it
// Any other comment is not TCP-info.
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/ip_address.h"

namespace sekisho::mail {

struct TcpInfo {
  std::optional<IpAddress> address;  // none: a client on this host ("localhost [local]")
  std::string name;
  std::string helo;  // of "helo=x"
  bool may_be_forged = false;
};

// `comment` without its parentheses.
std::optional<TcpInfo> parse_tcp_info(std::string_view comment);

// "[192.0.2.1]", "[IPv6:2001:db8::1]", "[2001:db8::1]", "[fe80::1%2]", or the same without
// brackets.
std::optional<IpAddress> parse_address_text(std::string_view text);

// Whether an address stands anywhere in the text.
bool mentions_address(std::string_view text);

// The value of "helo=x" among words ("port=25 helo=x ident=y"); empty when there is none.
std::string helo_of_pairs(std::string_view words);
// Whether the text begins as such words do.
bool begins_with_pair(std::string_view words);

}  // namespace sekisho::mail
