// mail/smtp_reply.h: an SMTP reply that an MTA can send as it is. RFC 5321 §4.2, RFC 3463. Code 4yz
// or 5yz, an enhanced status code of the same class, one line of printable ASCII; any other octet
// of the text (CR, LF, NUL, 8-bit) has been replaced by `?`, and the line cut to 512 octets.
// Thread: immutable value.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::mail {

class SmtpReply {
 public:
  // smtp_reply(550, "5.7.1", "rejected by …"). A code outside 400..599 or a status of another class
  // is a bug: throws std::logic_error.
  SmtpReply(int code, std::string_view status, std::string_view text);

  int code() const { return code_; }
  bool permanent() const { return code_ >= 500; }
  const std::string& status() const { return status_; }
  const std::string& text() const { return text_; }
  // "550 5.7.1 rejected by …"
  std::string line() const;

  bool operator==(const SmtpReply&) const = default;

 private:
  int code_;
  std::string status_;
  std::string text_;
};

}  // namespace sekisho::mail
