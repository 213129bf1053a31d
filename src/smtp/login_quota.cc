#include "smtp/login_quota.h"

#include <sstream>
#include <utility>

#include "base/ascii.h"

namespace sekisho::smtp {

namespace {

std::string line_of(std::int64_t hour, std::uint64_t count, const std::string& login) {
  return std::to_string(hour) + ' ' + std::to_string(count) + ' ' + login + '\n';
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
    : clock_(std::move(clock)),
      file_({.path = std::move(path),
             .lost = "the recipients of logins",
             .all = [this] { return all_lines(); }},
            log) {
  read();
}

std::int64_t LoginQuota::hour() const { return clock_().time_since_epoch().count() / 3600; }

void LoginQuota::read() {
  const auto now = hour();
  file_.read([&](const std::string& line) {
    std::istringstream words(line);
    std::int64_t then = 0;
    std::uint64_t count = 0;
    std::string login;
    // A line that a crash cut off has no login.
    if (!(words >> then >> count) || !std::getline(words >> std::ws, login)) return;
    if (then <= now - hours || then > now) return;
    state_.with([&](State& state) { state.logins[login][then] += count; });
  });
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

bool LoginQuota::has_room(std::string_view login, std::uint32_t most) const {
  return most == 0 || used(login) < most;
}

void LoginQuota::count(std::string_view login) {
  const auto key = ascii::lower(login);
  const auto now = hour();
  state_.with([&](State& state) {
    auto& mine = state.logins[key];
    mine.erase(mine.begin(), mine.upper_bound(now - hours));
    ++mine[now];
  });
  file_.append(line_of(now, 1, key));
}

std::uint64_t LoginQuota::used(std::string_view login) const {
  const auto now = hour();
  return state_.with([&](const State& state) { return sum(state, ascii::lower(login), now); });
}

std::string LoginQuota::all_lines() {
  const auto now = hour();
  return state_.with([&](State& state) {
    std::string text;
    for (auto& [login, counts] : state.logins) {
      counts.erase(counts.begin(), counts.upper_bound(now - hours));
      for (const auto& [then, count] : counts) {
        if (is_plain(login)) text += line_of(then, count, login);
      }
    }
    std::erase_if(state.logins, [](const auto& each) { return each.second.empty(); });
    return text;
  });
}

}  // namespace sekisho::smtp
