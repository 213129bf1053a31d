// smtp/login_quota.h: the recipients of each login in the last 24 hours, which stop a stolen
// account. They outlive the daemon in a small file of lines:
//   HOUR COUNT LOGIN           "498610 1 alice@example.jp"
// HOUR: hours since 1970. A thread of its own appends them, and now and then rewrites the file (by
// rename). Without fsync: what a power failure takes away is a minute of a day's allowance. A file
// that cannot be written is one warning; what is in memory still counts.
// Errors: the log. Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"

namespace sekisho::smtp {

class LoginQuota {
 public:
  static constexpr int hours = 24;
  // Lines after which the file is rewritten: 2 MB.
  static constexpr std::size_t most_lines = 50'000;

  // `path`: empty: in memory only. Reads the file.
  LoginQuota(std::string path, Log& log, std::function<WallTime()> clock = wall_now);
  // Writes what is queued.
  ~LoginQuota();
  LoginQuota(const LoginQuota&) = delete;
  LoginQuota& operator=(const LoginQuota&) = delete;

  // One more recipient of this login, which the source has accepted; false, and not counted, when
  // it has had `most`. 0 is no limit.
  bool take(std::string_view login, std::uint32_t most);
  std::uint64_t used(std::string_view login) const;

 private:
  // By hour. Only logins with a right password are here, so there are no more than accounts.
  using Hours = std::map<std::int64_t, std::uint64_t>;
  struct State {
    std::unordered_map<std::string, Hours> logins;
    std::string queued;  // lines that are not in the file yet
    std::size_t lines = 0;
    bool rewrite = true;
    bool stop = false;
  };
  static std::uint64_t sum(const State& state, const std::string& login, std::int64_t hour);
  static std::string all_lines(State& state, std::int64_t hour);
  std::int64_t hour() const;
  void read();
  void run();
  void write(const std::string& text, bool anew);

  const std::string path_;
  Log& log_;
  const std::function<WallTime()> clock_;
  Guarded<State> state_;
  bool warned_ = false;  // of the thread
  std::thread thread_;
};

}  // namespace sekisho::smtp
