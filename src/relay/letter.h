// relay/letter.h: one message with its envelope on its way to an MTA, and what came of it.
// Thread: immutable values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::relay {

struct LetterRecipient {
  std::string address;                  // without angle brackets
  std::vector<std::string> parameters;  // "NOTIFY=NEVER", "ORCPT=rfc822;a@b"
};

struct Letter {
  std::string mail_from;  // without angle brackets; empty for the null reverse-path
  // "SMTPUTF8", "RET=HDRS"; BODY and SIZE are told by the content
  std::vector<std::string> mail_parameters;
  std::vector<LetterRecipient> recipients;
  std::string_view content;  // lines end with CRLF
};

struct Handover {
  enum class Code {
    accepted,    // by the MTA, for all recipients
    deferred,    // not now: a 4xx, no connection, a broken one before the end of the message
    refused,     // a 5xx
    impossible,  // the MTA does not offer what the message needs, or it cannot be sent as it is
    uncertain,   // the MTA had all of the message and did not answer
  };
  Code code = Code::deferred;
  // The MTA's last reply, or what went wrong; for people. The MTA's text is printable ASCII.
  std::string why;
  // Recipients that the MTA refused by name, with its reply, when it would have taken the message
  // for others: nothing was sent. The message can go to the rest.
  struct Refused {
    std::string address;
    std::string reply;
  };
  std::vector<Refused> refused;
};

}  // namespace sekisho::relay
