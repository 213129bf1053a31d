#include "base/log.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/memory.h"

namespace sekisho {
namespace {

// So a syslog datagram and a line of a terminal stay readable; a longer line is an attack or a
// mistake.
constexpr std::size_t max_line = 4096;
constexpr std::string_view cut_mark = "...";

// Keys of rate limits that are remembered; more of them share one.
constexpr std::size_t max_repetitions = 1024;
constexpr std::chrono::seconds repetition_span{60};

// Makes any text one line of at most 4 KB without control characters.
std::string made_safe(std::string_view line) {
  std::string out(line.substr(0, max_line));
  if (line.size() > max_line) {
    std::size_t end = max_line - cut_mark.size();
    // Not within a UTF-8 sequence.
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
    out.resize(end);
    out += cut_mark;
  }
  std::replace_if(out.begin(), out.end(), ascii::is_control, ' ');
  return out;
}

bool needs_quotes(std::string_view escaped) {
  const auto odd = [](char c) {
    return c == ' ' || c == '\\' || static_cast<unsigned char>(c) >= 0x80;
  };
  return escaped.empty() || std::any_of(escaped.begin(), escaped.end(), odd);
}

}  // namespace

LogLine::LogLine(std::string_view head) : text_(escape_for_log(head)) {}

LogLine& LogLine::field(std::string_view key, std::string_view value) {
  const std::string escaped = escape_for_log(value);
  if (!needs_quotes(escaped)) return plain(key, value);
  if (!text_.empty()) text_ += ' ';
  text_.append(key).append("=\"").append(escaped).append("\"");
  return *this;
}

LogLine& LogLine::word(std::string_view key, std::string_view value) {
  if (!text_.empty()) text_ += ' ';
  text_.append(key).append("=").append(escape_as_word(value));
  return *this;
}

LogLine& LogLine::plain(std::string_view key, std::string_view value) {
  if (!text_.empty()) text_ += ' ';
  text_.append(key).append("=").append(escape_for_log(value));
  return *this;
}

Log::Log(const LogOptions& options, LogLevel least) : least_(least) {
  const auto sink = open_log_sink(options);
  target_.with([&](auto& target) { target = {sink ? *sink : stderr_sink(), options.name}; });
  if (!sink) error(sink.error() + "; logging to stderr instead");
}

Log::Log(std::shared_ptr<const LogSink> sink, LogLevel least)
    : least_(least), target_(Target{std::move(sink), LogOptions{}.name}) {}

Log::Log(Log& whole, std::string part)
    : least_(whole.least_), whole_(&whole), part_(std::move(part)) {}

void Log::write(LogLevel level, std::string_view line) noexcept {
  if (whole_ != nullptr) return whole_->write_part(part_, level, line);
  write_part(part_, level, line);
}

void Log::write_part(const std::string& part, LogLevel level, std::string_view line) noexcept {
  if (level > least_) return;
  if (!contained([&] { try_write(part, level, line); })) ++lost_;
}

void Log::try_write(const std::string& part, LogLevel level, std::string_view line) {
  const auto target = target_.with([](const auto& held) { return held; });
  const auto write = [&](const LogSink& sink) {
    const auto safe = made_safe(line);
    return part.empty() ? sink.write(level, safe)
                        : sink.write_as(target.name + "/" + part, level, safe);
  };
  if (target.sink && write(*target.sink)) {
    if (in_gap_) tell_gap(*target.sink, steady_now());
  } else {
    not_taken(steady_now());
  }
}

// Reports lost lines, so that a gap in the log does not look like a quiet hour.
void Log::not_taken(SteadyTime now) {
  ++lost_;
  const bool complains = gap_.with([&](Gap& gap) {
    ++gap.lines;
    in_gap_ = true;
    if (gap.lines > 1 || (gap.complained && now - *gap.complained < repetition_span)) return false;
    gap.complained = now;
    return true;
  });
  if (!complains) return;
  stderr_sink()->write(LogLevel::warning, "log: its target does not take lines: they are lost");
}

void Log::tell_gap(const LogSink& sink, SteadyTime now) {
  const auto lines = gap_.with([&](Gap& gap) -> std::uint64_t {
    if (gap.told && now - *gap.told < repetition_span) return 0;
    in_gap_ = false;
    if (gap.lines > 0) gap.told = now;
    return std::exchange(gap.lines, 0);
  });
  if (lines == 0) return;
  const bool told =
      sink.write(LogLevel::warning, "log: " + std::to_string(lines) +
                                        " lines were lost: the target did not take them");
  if (!told) not_taken(now);
}

void Log::write_limited(LogLevel level, std::string_view key, std::string_view line,
                        SteadyTime now) noexcept {
  if (!contained([&] { try_write_limited(level, key, line, now); })) ++lost_;
}

void Log::try_write_limited(LogLevel level, std::string_view key, std::string_view line,
                            SteadyTime now) {
  const auto left_out = repetitions_.with([&](Repetitions& all) -> std::optional<std::uint64_t> {
    auto found = all.find(key);
    if (found == all.end() && all.size() >= max_repetitions) {
      std::erase_if(all, [&](const auto& each) {
        return now - each.second.since >= repetition_span && each.second.left_out == 0;
      });
      if (all.size() >= max_repetitions) key = {};
      found = all.find(key);
    }
    if (found == all.end()) {
      all.emplace(key, Repetition{now, 0});
      return 0;
    }
    if (now - found->second.since < repetition_span) {
      ++found->second.left_out;
      return std::nullopt;
    }
    return std::exchange(found->second, Repetition{now, 0}).left_out;
  });
  if (!left_out) return;
  if (*left_out == 0) return write(level, line);
  write(level, std::string(line) + " suppressed=" + std::to_string(*left_out));
}

bool Log::in_place() const {
  if (whole_ != nullptr) return whole_->in_place();
  const auto sink = target_.with([](const auto& target) { return target.sink; });
  return sink && sink->in_place();
}

bool Log::reopen(const LogOptions& options) {
  if (whole_ != nullptr) return whole_->reopen(options);
  auto sink = open_log_sink(options);
  if (!sink) {
    error(sink.error() + "; logging goes on as before");
    return false;
  }
  Target target{*sink, options.name};
  target_.with([&](auto& held) { std::swap(held, target); });
  return true;  // the old one is closed here, outside the lock, by its last writer
}

}  // namespace sekisho
