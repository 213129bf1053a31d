// relay/smtp_client.h: hands one message to an MTA by SMTP. RFC 5321 §3.3, 1870 (SIZE), 3461 (DSN),
// 6152 (8BITMIME), 6531 (SMTPUTF8). Blocks. One transaction, for all recipients or none: if one is
// refused, nothing is sent (see Handover::refused). Only CRLF ends a line on the wire; content with
// a bare CR or LF is `impossible`. Without TLS and without a login: the MTA of this host must
// accept mail from it.
// Errors: Handover. Thread: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "relay/letter.h"

namespace sekisho::relay {

// The minimum times of RFC 5321 §4.5.3.2; it gives none for connecting.
struct SmtpTimes {
  std::chrono::seconds connect{30};
  std::chrono::seconds greeting{300};  // and every other command
  std::chrono::seconds data{120};
  std::chrono::seconds block{180};  // each 64 KB of the message
  std::chrono::seconds dot{600};
  // The whole transaction. During it, nobody else can release or delete the message.
  std::chrono::seconds together{40 * 60};
};

struct SmtpServer {
  std::string host;  // a name or an address
  std::uint16_t port = 25;
};

// "HOST:PORT", "[::1]:25".
Expected<SmtpServer> parse_smtp_server(std::string_view text);

// Whether there is a bare CR or LF, which SMTP must not carry (RFC 5321 §2.3.8).
bool has_bare_line_end(std::string_view content);

// `own_name`: the argument of EHLO.
Handover hand_over_by_smtp(const SmtpServer& server, const Letter& letter,
                           const std::string& own_name, const SmtpTimes& times = {});

}  // namespace sekisho::relay
