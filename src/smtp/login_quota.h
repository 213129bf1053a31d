// smtp/login_quota.h: the recipients of each login in the last 24 hours, which stop a stolen
// account. They outlive the daemon in a small file of lines:
//   HOUR COUNT LOGIN           "498610 1 alice@example.jp"
// HOUR: hours since 1970 (smtp/line_file.h).
// Errors: the log; what is in memory still counts. Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "smtp/line_file.h"

namespace sekisho::smtp {

class LoginQuota {
 public:
  static constexpr int hours = 24;

  // `path`: empty: in memory only. Reads the file.
  LoginQuota(std::string path, Log& log, std::function<WallTime()> clock = wall_now);

  // Whether this login may have one more recipient: it has had fewer than `most`. 0 is no limit.
  bool has_room(std::string_view login, std::uint32_t most) const;
  // A recipient of this login, which the source has accepted, was accepted too. Those for whom
  // there was room at the same moment all count, so a few may be more than the limit.
  void count(std::string_view login);
  std::uint64_t used(std::string_view login) const;

 private:
  // By hour. Only logins with a right password are here, so there are no more than accounts.
  using Hours = std::map<std::int64_t, std::uint64_t>;
  struct State {
    std::unordered_map<std::string, Hours> logins;
  };
  static std::uint64_t sum(const State& state, const std::string& login, std::int64_t hour);
  std::string all_lines();
  std::int64_t hour() const;
  void read();

  const std::function<WallTime()> clock_;
  Guarded<State> state_;
  LineFile file_;  // last: its thread reads the others
};

}  // namespace sekisho::smtp
