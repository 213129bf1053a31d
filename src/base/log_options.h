// base/log_options.h: where the log goes. [log] Thread: immutable value.
#pragma once

#include <string>

namespace sekisho {

struct LogOptions {
  enum class Target { syslog, stderr_stream, journald, file };
  Target target = Target::syslog;
  std::string path;  // for Target::file

  bool operator==(const LogOptions&) const = default;
};

}  // namespace sekisho
