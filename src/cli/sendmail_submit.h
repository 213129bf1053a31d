// cli/sendmail_submit.h: hands a message to sekishod over the socket of sendmail(1). RFC 5321,
// 3461, 6152, 6531. Blocks.
// Errors: Submitted. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_handle.h"
#include "cli/drop_file.h"
#include "cli/sendmail_options.h"

namespace sekisho::cli {

struct Submission {
  std::string sender;  // without brackets
  std::vector<std::string> recipients;
  std::string content;  // lines end with CRLF
};

// As SMTP says it, and as the drop folder keeps it.
Dropped envelope_of(Submission submission, const SendmailOptions& options);

struct Submitted {
  struct Refusal {
    std::string rcpt;  // "RCPT TO:<bob>"; empty: all of them
    std::string reply;
  };
  std::string answer;                // to the message: "250 2.0.0 Ok: queued as 4bXY"
  std::vector<Refusal> refused;      // for good
  std::vector<std::string> waiting;  // RCPT commands that are not accepted now
  std::string why_waiting;
};

// Over a connected socket.
Submitted submit(UniqueFd connected, const Dropped& message);

}  // namespace sekisho::cli
