// smtp/reply.h: one reply of ours, of any code. RFC 5321 §4.2, RFC 2034, RFC 3463.
// Thread: immutable value.
#pragma once

#include <string>
#include <string_view>

#include "mail/smtp_reply.h"

namespace sekisho::smtp {

struct Reply {
  int code = 250;
  std::string status;  // "2.0.0"; empty where none belongs: the greeting, EHLO, 334 and 354
  std::string text;    // one line; any octet that is not printable ASCII is written as "?"

  static Reply of(const mail::SmtpReply& reply) {
    return {reply.code(), reply.status(), reply.text()};
  }
  bool positive() const { return code < 400; }
  bool permanent() const { return code >= 500; }
  // "550 5.7.1 rejected", at most 510 octets.
  std::string line() const;
  bool operator==(const Reply&) const = default;
};

}  // namespace sekisho::smtp
