// cli/sendmail_options.h: the command line of sendmail(1), as cron, PHP, mutt, git and others write
// it. Options without a meaning here are read, and change nothing.
// Errors: a sentence for the person. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::cli {

struct SendmailOptions {
  enum class Mode { deliver, smtp, list_queue, flush_queue, aliases };
  Mode mode = Mode::deliver;
  bool from_header = false;           // -t: recipients stand in the header
  bool dots = true;                   // a line with a single dot ends the message; not with -i
  bool verbose = false;               // -v
  std::optional<std::string> sender;  // -f, -r; "" is the null reverse-path
  std::string full_name;              // -F
  std::string notify;                 // -N: "NEVER", "DELAY,FAILURE"
  std::string ret;                    // -R: "HDRS" or "FULL"
  std::string envelope_id;            // -V
  std::string body;                   // -B: "7BIT" or "8BITMIME"
  std::vector<std::string> recipients;
};

// Whether a program of this name is sendmail: "/usr/sbin/sendmail", "mailq", "newaliases".
bool is_sendmail_name(std::string_view program);

// `words[0]` is the name of the program.
Expected<SendmailOptions, std::string> read_sendmail_options(const std::vector<std::string>& words);

}  // namespace sekisho::cli
