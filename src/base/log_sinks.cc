// The four places a log goes to.
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/guarded.h"
#include "base/log.h"
#include "base/unique_handle.h"

namespace sekisho {
namespace {

constexpr const char* journal_path = "/run/systemd/journal/socket";

// RFC 5424 §6.2.1.
int severity(LogLevel level) {
  switch (level) {
    case LogLevel::alert:
      return LOG_ALERT;
    case LogLevel::error:
      return LOG_ERR;
    case LogLevel::warning:
      return LOG_WARNING;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::debug:
      return LOG_DEBUG;
  }
  return LOG_ERR;
}

// The connection is made at once, because the process may lose the right to make it later. It
// belongs to the C library, one for the process, and stays open. So does the name of the next line:
// lines are written one after the other, as the C library itself writes them.
class SyslogSink : public LogSink {
 public:
  explicit SyslogSink(std::string_view ident) : ident_(ident) { open(ident_.data()); }
  bool write(LogLevel level, std::string_view line) const override {
    turn_.with([&](const auto&) { submit(level, line); });
    return true;
  }
  bool write_as(const std::string& name, LogLevel level, std::string_view line) const override {
    turn_.with([&](const auto&) {
      open(name.c_str());
      submit(level, line);
      open(ident_.data());  // the C library keeps the pointer
    });
    return true;
  }

 private:
  struct Turn {};
  static void open(const char* name) { ::openlog(name, LOG_PID | LOG_NDELAY, LOG_MAIL); }
  static void submit(LogLevel level, std::string_view line) {
    ::syslog(LOG_MAIL | severity(level), "%.*s", static_cast<int>(line.size()), line.data());
  }
  const std::string_view ident_;  // a literal
  mutable Guarded<Turn> turn_;
};

// Returns the part that was not written.
std::string_view write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return text;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return text;
}

// Lines with a time stamp, for targets that do not add one. Each is one write, so that lines of
// several threads or processes do not mix.
class StreamSink : public LogSink {
 public:
  StreamSink(int borrowed, std::string_view ident) : fd_(borrowed), ident_(ident) {}
  StreamSink(UniqueFd owned, std::string path, std::string_view ident)
      : owned_(std::move(owned)), path_(std::move(path)), fd_(owned_.get()), ident_(ident) {}
  bool in_place() const override {
    struct stat here {};
    struct stat there {};
    if (path_.empty() || ::fstat(fd_, &here) != 0) return true;
    return ::stat(path_.c_str(), &there) == 0 && here.st_ino == there.st_ino &&
           here.st_dev == there.st_dev;
  }
  bool write(LogLevel level, std::string_view line) const override {
    return write_under(ident_, level, line);
  }
  bool write_as(const std::string& name, LogLevel level, std::string_view line) const override {
    return write_under(name, level, line);
  }

 private:
  bool write_under(std::string_view name, LogLevel level, std::string_view line) const {
    // Ends a partial line that a full disk has left.
    std::string out(torn_.exchange(false) ? "\n" : "");
    out.append(to_iso8601(wall_now())).append(" ").append(name);
    out.append("[").append(std::to_string(::getpid())).append("] ");
    out.append(to_string(level)).append(": ").append(line).append("\n");
    const auto rest = write_all(fd_, out);
    if (rest.empty()) return true;
    if (rest.size() < out.size() || out.front() == '\n') torn_ = true;
    return false;
  }

  mutable std::atomic<bool> torn_{false};
  UniqueFd owned_;
  std::string path_;  // of a file
  int fd_;
  std::string_view ident_;
};

class JournalSink : public LogSink {
 public:
  JournalSink(const std::string& path, std::string_view ident)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), ident_(ident) {
    address_.sun_family = AF_UNIX;
    path.copy(address_.sun_path, sizeof address_.sun_path - 1);
  }
  bool write(LogLevel level, std::string_view line) const override {
    return write_under(ident_, level, line);
  }
  bool write_as(const std::string& name, LogLevel level, std::string_view line) const override {
    return write_under(name, level, line);
  }

 private:
  // The text form of the protocol is enough: the line holds no newline.
  bool write_under(std::string_view name, LogLevel level, std::string_view line) const {
    std::string out = "PRIORITY=" + std::to_string(severity(level)) +
                      "\nSYSLOG_FACILITY=" + std::to_string(LOG_FAC(LOG_MAIL)) +
                      "\nSYSLOG_IDENTIFIER=" + std::string(name) +
                      "\nSYSLOG_PID=" + std::to_string(::getpid()) + "\nMESSAGE=";
    out.append(line).append("\n");
    // Does not wait: a stalled journal must not delay mail.
    const auto* to = reinterpret_cast<const sockaddr*>(&address_);
    const ssize_t sent = ::sendto(fd_.get(), out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                  to, sizeof address_);
    return sent == static_cast<ssize_t>(out.size());
  }

  UniqueFd fd_;
  std::string_view ident_;
  sockaddr_un address_{};
};

using OrWhyNot = Expected<std::shared_ptr<const LogSink>, std::string>;

// Readable only for the daemon and its group: the log names senders and recipients.
OrWhyNot file_sink(const std::string& path, std::string_view ident) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  UniqueFd fd(::open(path.c_str(), flags, 0640));
  if (!fd) return tl::unexpected("log file " + path + ": " + std::strerror(errno));
  return std::make_shared<StreamSink>(std::move(fd), path, ident);
}

}  // namespace

std::shared_ptr<const LogSink> journal_sink(const std::string& socket_path,
                                            std::string_view ident) {
  return std::make_shared<JournalSink>(socket_path, ident);
}

std::shared_ptr<const LogSink> stderr_sink(std::string_view ident) {
  return std::make_shared<StreamSink>(STDERR_FILENO, ident);
}

OrWhyNot open_log_sink(const LogOptions& options) {
  switch (options.target) {
    case LogOptions::Target::syslog:
      return std::make_shared<SyslogSink>(options.ident);
    case LogOptions::Target::stderr_stream:
      return stderr_sink(options.ident);
    case LogOptions::Target::journald:
      return journal_sink(journal_path, options.ident);
    case LogOptions::Target::file:
      return file_sink(options.path, options.ident);
  }
  return tl::unexpected<std::string>("log: no such target");
}

}  // namespace sekisho
