#include "smtp/login_quota.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/memory.h"
#include "base/unique_handle.h"

namespace sekisho::smtp {

namespace {

std::string line_of(std::int64_t hour, std::uint64_t count, const std::string& login) {
  return std::to_string(hour) + ' ' + std::to_string(count) + ' ' + login + '\n';
}

bool write_whole(int fd, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const auto now = ::write(fd, text.data() + written, text.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) return false;
    written += static_cast<std::size_t>(now);
  }
  return true;
}

bool write_file(const std::string& path, int flags, const std::string& text) {
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0640));
  return fd && write_whole(fd.get(), text);
}

// A line of the file is a line: a login with a control octet has none.
bool is_plain(std::string_view login) {
  for (const char c : login) {
    if (ascii::is_control(c)) return false;
  }
  return !login.empty();
}

}  // namespace

LoginQuota::LoginQuota(std::string path, Log& log, std::function<WallTime()> clock)
    : path_(std::move(path)), log_(log), clock_(std::move(clock)) {
  if (path_.empty()) return;
  read();
}

LoginQuota::~LoginQuota() {
  if (!thread_.joinable()) return;
  state_.with([](State& state) { state.stop = true; });
  state_.notify_all();
  thread_.join();
}

std::int64_t LoginQuota::hour() const { return clock_().time_since_epoch().count() / 3600; }

void LoginQuota::read() {
  std::ifstream file(path_);
  const auto now = hour();
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::int64_t then = 0;
    std::uint64_t count = 0;
    std::string login;
    // A line that a crash cut off has no login.
    if (!(words >> then >> count) || !std::getline(words >> std::ws, login)) continue;
    if (then <= now - hours || then > now) continue;
    state_.with([&](State& state) { state.logins[login][then] += count; });
  }
}

std::uint64_t LoginQuota::sum(const State& state, const std::string& login, std::int64_t hour) {
  const auto found = state.logins.find(login);
  if (found == state.logins.end()) return 0;
  std::uint64_t all = 0;
  for (const auto& [then, count] : found->second) {
    if (then > hour - hours) all += count;
  }
  return all;
}

bool LoginQuota::take(std::string_view login, std::uint32_t most) {
  const auto key = ascii::lower(login);
  const auto now = hour();
  const bool taken = state_.with([&](State& state) {
    if (most > 0 && sum(state, key, now) >= most) return false;
    auto& mine = state.logins[key];
    mine.erase(mine.begin(), mine.upper_bound(now - hours));
    ++mine[now];
    if (path_.empty() || !is_plain(key)) return true;
    state.queued += line_of(now, 1, key);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    if (++state.lines > most_lines) state.rewrite = true;
    return true;
  });
  if (taken) state_.notify_all();
  return taken;
}

std::uint64_t LoginQuota::used(std::string_view login) const {
  const auto now = hour();
  return state_.with([&](const State& state) { return sum(state, ascii::lower(login), now); });
}

std::string LoginQuota::all_lines(State& state, std::int64_t hour) {
  std::string text;
  for (auto& [login, counts] : state.logins) {
    counts.erase(counts.begin(), counts.upper_bound(hour - hours));
    for (const auto& [then, count] : counts) {
      if (is_plain(login)) text += line_of(then, count, login);
    }
  }
  std::erase_if(state.logins, [](const auto& each) { return each.second.empty(); });
  return text;
}

void LoginQuota::run() {
  bool stop = false;
  while (!stop) {
    contained([&] {
      std::string text;
      bool anew = false;
      state_.wait_until(
          SteadyTime::max(),
          [](const State& s) { return s.stop || s.rewrite || !s.queued.empty(); },
          [&](State& state, bool) {
            stop = state.stop;
            anew = std::exchange(state.rewrite, false);
            text = anew ? all_lines(state, hour()) : std::move(state.queued);
            state.queued.clear();
            if (anew) state.lines = 0;
          });
      write(text, anew);
    });
  }
}

void LoginQuota::write(const std::string& text, bool anew) {
  const std::string next = path_ + ".new";
  const bool written =
      anew ? write_file(next, O_TRUNC, text) && std::rename(next.c_str(), path_.c_str()) == 0
           : write_file(path_, O_APPEND, text);
  if (written) {
    warned_ = false;
  } else if (!std::exchange(warned_, true)) {
    log_.warning("the recipients of logins do not outlive a restart: " + path_ + ": " +
                 std::strerror(errno));
  }
}

}  // namespace sekisho::smtp
