// base/log_options.h: where the log goes. [log]
// Thread: immutable value.
#pragma once

#include <string>
#include <string_view>

namespace sekisho {

struct LogOptions {
  enum class Target { syslog, stderr_stream, journald, file };
  Target target = Target::syslog;
  std::string path;  // for Target::file
  // The name of the program; a literal, which ends with NUL.
  std::string_view ident = "sekishod";
  // The first word of the tags of the mail log: "sekisho/smtpd" (pflogsumm --syslog_name).
  std::string name = "sekisho";

  bool operator==(const LogOptions&) const = default;
};

}  // namespace sekisho
