// base/log.h: the log: one line per event, at most 4 KB, to syslog, stderr, journald or a file.
// Control characters never reach it. Errors: a line that cannot be written, for want of memory too,
// is counted, and the caller goes on. RFC 5424 §6.2.1 (severities).
//   log.info(LogLine("4bXY").field("id", id).field("action", "reject").text());
// Thread: any, internally locked; nothing is written under the lock.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log_options.h"
#include "base/result.h"
#include "base/words.h"

namespace sekisho {

// alert: a person must act at once, or mail waits (base/alarms.h).
enum class LogLevel { alert, error, warning, info, debug };

constexpr auto words_of(LogLevel) {
  return words<LogLevel>({{LogLevel::alert, "alert"},
                          {LogLevel::error, "error"},
                          {LogLevel::warning, "warning"},
                          {LogLevel::info, "info"},
                          {LogLevel::debug, "debug"}});
}

// `key=value` pairs. A value with spaces, quotes or odd characters is quoted and escaped.
class LogLine {
 public:
  // `head` is put before the fields: "4bXY:".
  explicit LogLine(std::string_view head = {});

  LogLine& field(std::string_view key, std::string_view value);
  LogLine& field(std::string_view key, std::integral auto value) {
    return plain(key, std::to_string(value));
  }
  // For a stranger's text that a program reads: a blank becomes \x20, so that the value stays one
  // word.
  LogLine& word(std::string_view key, std::string_view value);
  // For a value of the program's own shape, such as "pass(example.com s1)": escaped, never quoted.
  LogLine& plain(std::string_view key, std::string_view value);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The target of lines. Thread: any.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // Returns whether the line was written.
  virtual bool write(LogLevel level, std::string_view line) const = 0;
  // The same under another name than the program's own: "sekisho/smtpd".
  virtual bool write_as(const std::string& /*name*/, LogLevel level, std::string_view line) const {
    return write(level, line);
  }
  // Whether the target is still at its place: a file may have been removed.
  virtual bool in_place() const { return true; }
};

// The sink of the options, or why a file cannot be opened.
Expected<std::shared_ptr<const LogSink>, std::string> open_log_sink(const LogOptions& options);
std::shared_ptr<const LogSink> stderr_sink(std::string_view ident = "sekishod");
// The native protocol of systemd-journald, at the path of its datagram socket.
std::shared_ptr<const LogSink> journal_sink(const std::string& socket_path,
                                            std::string_view ident = "sekishod");

class Log {
 public:
  // Lines less severe than `least` are dropped. A target that cannot be opened is replaced by
  // stderr, and that is its first line. Lines that the target does not accept are counted: a
  // warning goes to stderr when that begins, and to the target when it accepts lines again; each at
  // most once a minute.
  explicit Log(const LogOptions& options, LogLevel least = LogLevel::info);
  Log(std::shared_ptr<const LogSink> sink, LogLevel least);
  // A view of `whole`, which must outlive it: its lines go there, tagged with [log] name and the
  // part: "sekisho/smtpd". So the tools that read the logs of Postfix read them.
  Log(Log& whole, std::string part);

  void write(LogLevel level, std::string_view line) noexcept;
  void alert(std::string_view line) noexcept { write(LogLevel::alert, line); }
  void error(std::string_view line) noexcept { write(LogLevel::error, line); }
  void warning(std::string_view line) noexcept { write(LogLevel::warning, line); }
  void info(std::string_view line) noexcept { write(LogLevel::info, line); }
  void debug(std::string_view line) noexcept { write(LogLevel::debug, line); }

  // For events that may happen a thousand times a second: at most one line of each `key` a minute,
  // the next one with the number of those left out.
  void write_limited(LogLevel level, std::string_view key, std::string_view line,
                     SteadyTime now = steady_now()) noexcept;

  // After a reload or the rotation of a file: goes on with the new target. If that cannot be
  // opened, it keeps the old one, returns false, and logs why.
  bool reopen(const LogOptions& options);

  bool in_place() const;
  std::uint64_t lost() const { return whole_ != nullptr ? whole_->lost() : lost_.load(); }

 private:
  struct Target {
    std::shared_ptr<const LogSink> sink;
    std::string name;  // before the slash of a part
  };
  struct Repetition {
    SteadyTime since;
    std::uint64_t left_out = 0;
  };
  struct Gap {
    std::uint64_t lines = 0;  // lost, and not reported yet
    std::optional<SteadyTime> complained;
    std::optional<SteadyTime> told;
  };
  using Repetitions = std::map<std::string, Repetition, std::less<>>;

  void write_part(const std::string& part, LogLevel level, std::string_view line) noexcept;
  void try_write(const std::string& part, LogLevel level, std::string_view line);
  void try_write_limited(LogLevel level, std::string_view key, std::string_view line,
                         SteadyTime now);
  void not_taken(SteadyTime now);
  void tell_gap(const LogSink& sink, SteadyTime now);

  LogLevel least_;
  Log* const whole_ = nullptr;  // of a view
  const std::string part_;      // of a view
  Guarded<Target> target_;
  Guarded<Repetitions> repetitions_;
  Guarded<Gap> gap_;
  std::atomic<bool> in_gap_{false};
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace sekisho
