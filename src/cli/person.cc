#include "cli/person.h"

#include <cstdlib>
#include <vector>

#include <pwd.h>
#include <unistd.h>

namespace sekisho::cli {

namespace {

std::string name_of(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> octets(16384);
  const int failed = ::getpwuid_r(uid, &entry, octets.data(), octets.size(), &found);
  return failed == 0 && found != nullptr ? found->pw_name : std::to_string(uid);
}

// The daemon's own log, but not standard error, which is not a log here. A missing file is not
// created: it would belong to the user of the command, and the daemon could not write to it.
LogOptions log_of(const config::Settings& settings) {
  LogOptions options = settings.log;
  using Target = LogOptions::Target;
  const bool writable = options.target == Target::file && ::access(options.path.c_str(), W_OK) == 0;
  if (options.target == Target::stderr_stream || (options.target == Target::file && !writable)) {
    options = {};
  }
  options.ident = "sekisho";
  return options;
}

}  // namespace

std::string Person::text() const {
  return sudo_user.empty() ? name : name + " (sudo: " + sudo_user + ")";
}

Person person() {
  Person who;
  who.uid = ::getuid();
  who.name = name_of(who.uid);
  if (const char* sudo = std::getenv("SUDO_USER"); sudo != nullptr) who.sudo_user = sudo;
  return who;
}

ActLog::ActLog(const config::Settings& settings) : log_(log_of(settings)) {}

void ActLog::tell(std::string_view command, std::string_view id, std::string_view result) {
  LogLine line(std::string(command) + ":");
  if (!id.empty()) line.field("id", id);
  line.field("by", who_.name).field("uid", who_.uid);
  if (!who_.sudo_user.empty()) line.field("sudo_user", who_.sudo_user);
  log_.info(line.field("result", result).text());
}

}  // namespace sekisho::cli
