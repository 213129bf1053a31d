// cli/sendmail_message.h: the text that a program gives to sendmail(1), as SMTP carries it: lines
// end in CRLF whatever ended them before, the envelope of a mailbox file is gone, there is a
// header, and with -t the recipients are read from it.
// Errors: none; any text becomes a message. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/sendmail_options.h"

namespace sekisho::cli {

struct SendmailMessage {
  std::string content;                  // lines end with CRLF; no bare CR or LF
  std::vector<std::string> recipients;  // -t: of To, Cc and Bcc, or of their Resent- forms
};

// `author`: the value of From, for a message without one.
SendmailMessage read_sendmail_message(std::string_view text, const SendmailOptions& options,
                                      const std::string& author);

// The addresses of a To field, bare names too: "root, Bob <bob@b.example>, list: a@b;".
std::vector<std::string> addresses_in(std::string_view value);

}  // namespace sekisho::cli
