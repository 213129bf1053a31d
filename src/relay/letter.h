// relay/letter.h: one message with its envelope for an MTA, and the result of handing it over.
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
  // "SMTPUTF8", "RET=HDRS"; BODY and SIZE follow from the content
  std::vector<std::string> mail_parameters;
  std::vector<LetterRecipient> recipients;
  std::string_view content;  // lines end with CRLF
};

struct Handover {
  enum class Code {
    accepted,    // by the MTA, for all recipients
    deferred,    // a 4xx, no connection, or one broken before the end of the message
    refused,     // a 5xx
    impossible,  // the MTA lacks an extension, or the message cannot be sent as it is
    uncertain,   // the MTA had all of the message and did not answer
  };
  Code code = Code::deferred;
  // The MTA's last reply, or the failure; for people. The MTA's text is printable ASCII.
  std::string why;
  // The recipients that the MTA refused, with its replies, if it would have accepted the message
  // for others. Nothing was sent; the message can be sent to the others.
  struct Refused {
    std::string address;
    std::string reply;
  };
  std::vector<Refused> refused;
};

}  // namespace sekisho::relay
