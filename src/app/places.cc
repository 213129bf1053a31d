#include "app/places.h"

#include <sys/stat.h>

#include "app/smtp_parts.h"
#include "net/listen.h"

namespace sekisho::app {

namespace {

// A log rotation renames the file first, and sends SIGUSR1 a moment later.
constexpr int looks_before_new_log = 2;

// 0: there is none.
ino_t inode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

void Places::opened(const config::Settings& settings) {
  sockets_[settings.control.socket] = inode_of(settings.control.socket);
  for (const auto& milter : settings.milters) {
    const auto address = net::parse_socket(milter.socket);
    if (!address || address->unix_path.empty()) continue;
    sockets_[address->unix_path] = inode_of(address->unix_path);
  }
  if (settings.listeners.empty()) return;
  const auto submit = submit_socket(settings);
  sockets_[submit] = inode_of(submit);
}

void Places::look(const LogOptions& log) {
  for (const auto& [path, inode] : sockets_) {
    if (inode_of(path) == inode) continue;
    log_.write_limited(LogLevel::error, "socket " + path,
                       "the socket " + path +
                           " was removed or replaced: nobody reaches sekishod there before it is "
                           "restarted");
  }
  looks_without_log_ = log_.in_place() ? 0 : looks_without_log_ + 1;
  if (looks_without_log_ < looks_before_new_log) return;
  looks_without_log_ = 0;
  if (log_.reopen(log)) {
    log_.warning("log: its file was removed or renamed, and nobody said so: this one is begun");
  }
}

}  // namespace sekisho::app
