#include "relay/known_recipients.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/read_file.h"
#include "base/unique_handle.h"

namespace sekisho::relay {

namespace {

constexpr std::size_t max_file = std::size_t{64} * 1024 * 1024;
// Of one address: longer ones are asked each time.
constexpr std::size_t max_address = 320;

std::string line_of(const std::string& address, bool exists, WallTime until) {
  return std::string(exists ? "+ " : "- ") + std::to_string(until.time_since_epoch().count()) +
         " " + address + "\n";
}

std::string error_text(const std::string& path) {
  return path + ": " + std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): glibc's is safe
}

// Empty: all is on the disk.
std::string write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return error_text(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0 ? "" : error_text(path);
}

}  // namespace

void KnownRecipients::load(WallTime now) {
  const auto text = read_file(path_, max_file);
  state_.with([&](State& state) {
    if (!text) {
      if (text.error().code != FileError::Code::absent)
        state.problem = path_ + ": " + text.error().what;
      return;
    }
    std::string_view rest = *text;
    // A last line without an end was cut by a crash.
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      ++state.lines;
      std::int64_t until = 0;
      if (line.size() < 5 || (line[0] != '+' && line[0] != '-')) continue;
      const auto [at, error] = std::from_chars(line.data() + 2, line.data() + line.size(), until);
      if (error != std::errc{} || at == line.data() + line.size() || *at != ' ') continue;
      state.entries[std::string(at + 1, line.data() + line.size())] = {
          line[0] == '+', WallTime(std::chrono::seconds(until))};
    }
    prune(state.entries, now);
  });
}

void KnownRecipients::prune(Entries& entries, WallTime now) {
  std::erase_if(entries, [now](const auto& one) { return one.second.until <= now; });
  if (entries.size() <= most_entries) return;
  // Without a yes nothing is lost but a question.
  std::erase_if(entries, [](const auto& one) { return !one.second.exists; });
  while (entries.size() > most_entries) entries.erase(entries.begin());
}

std::optional<KnownRecipients::Fact> KnownRecipients::find(const std::string& address,
                                                           WallTime now) const {
  return state_.with([&](const State& state) -> std::optional<Fact> {
    const auto found = state.entries.find(address);
    if (found == state.entries.end() || found->second.until <= now) return std::nullopt;
    const auto [exists, until] = found->second;
    return Fact{exists, !exists || now < until - yes_lasts + yes_is_fresh};
  });
}

void KnownRecipients::remember(const std::string& address, bool exists, WallTime now) {
  const bool plain = address.size() <= max_address && address.find('\n') == std::string::npos;
  if (!plain) return;
  const WallTime until = now + (exists ? yes_lasts : no_lasts);
  state_.with([&](State& state) {
    if (state.entries.size() >= most_entries) prune(state.entries, now);
    state.entries[address] = {exists, until};
    state.unwritten += line_of(address, exists, until);
    ++state.lines;
  });
}

void KnownRecipients::write(WallTime now) {
  std::string text;
  bool anew = false;
  state_.with([&](State& state) {
    if (state.unwritten.empty()) return;
    constexpr std::size_t few = 1000;
    anew = state.lines > 2 * state.entries.size() + few;
    text = std::exchange(state.unwritten, {});
    if (!anew) return;
    prune(state.entries, now);
    text.clear();
    for (const auto& [address, entry] : state.entries)
      text += line_of(address, entry.exists, entry.until);
    state.lines = state.entries.size();
  });
  if (text.empty() && !anew) return;
  const std::string problem = anew ? replace(text) : append(text);
  state_.with([&](State& state) { state.problem = problem; });
}

std::string KnownRecipients::append(const std::string& text) const {
  const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  return fd ? write_all(fd.get(), text, path_) : error_text(path_);
}

std::string KnownRecipients::replace(const std::string& text) const {
  const std::string other = path_ + ".new";
  const UniqueFd fd(::open(other.c_str(), O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0640));
  if (!fd) return error_text(other);
  if (auto problem = write_all(fd.get(), text, other); !problem.empty()) return problem;
  return std::rename(other.c_str(), path_.c_str()) == 0 ? "" : error_text(path_);
}

std::string KnownRecipients::problem() const {
  return state_.with([](const State& state) { return state.problem; });
}

std::size_t KnownRecipients::size() const {
  return state_.with([](const State& state) { return state.entries.size(); });
}

}  // namespace sekisho::relay
