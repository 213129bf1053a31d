// smtp/limits.h: what each client has used up of its limits: connections, and what it did in this
// minute; failed logins; recipients of each login in the last 24 hours. A client is an IPv4 address
// or an IPv6 /64.
// Bounded: beyond `most_clients` a new client is not counted in that minute, so that a flood from
// everywhere costs a fixed amount of memory and stops nobody else.
// Errors: none. Thread: any, internally locked.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "mail/ip_address.h"
#include "smtp/line_file.h"
#include "smtp/options.h"

namespace sekisho::smtp {

// The client as it is counted: "192.0.2.1", "2001:db8:1:2::/64".
std::string client_key(const mail::IpAddress& address);

class ClientLimits {
 public:
  // 100,000 clients in a minute are 1,700 a second: 20 MB at most, and more than a flood that this
  // host could answer.
  static constexpr std::size_t most_clients = 100'000;

  // One more connection is open until disconnected(). False: it is over a limit, and not counted
  // among the open ones.
  bool connected(const std::string& client, const Limits& limits, SteadyTime now = steady_now());
  void disconnected(const std::string& client);
  // Counts one more; false when that is over the limit.
  bool message(const std::string& client, const Limits& limits, SteadyTime now = steady_now());
  bool recipient(const std::string& client, const Limits& limits, SteadyTime now = steady_now());

 private:
  struct Minute {
    std::uint32_t connections = 0;
    std::uint32_t messages = 0;
    std::uint32_t recipients = 0;
  };
  struct Table {
    SteadyTime minute{};  // when this minute began
    std::unordered_map<std::string, Minute> used;
    std::unordered_map<std::string, std::uint32_t> open;

    // nullptr: too many clients.
    Minute* of(const std::string& client, SteadyTime now);
  };
  bool one_more(const std::string& client, std::uint32_t Minute::*what, std::uint32_t most,
                SteadyTime now);

  Guarded<Table> table_;
};

// Failed logins of the last ten minutes by address and login; and which logins have succeeded from
// where, so that a stranger's guesses at an address do not slow down those who belong there. The
// latter outlive the daemon in a small file of lines (smtp/line_file.h):
//   SECONDS CLIENT LOGIN       "1795996800 192.0.2.1 alice@example.jp"
class LoginFailures {
 public:
  static constexpr std::chrono::minutes window{10};
  static constexpr std::chrono::hours known_for{30 * 24};
  // As for the clients; then those that are over are forgotten, or all.
  static constexpr std::size_t most = 50'000;
  // Failures of one address with any logins, after which its guesses are answered late.
  static constexpr std::uint32_t slow_after = 10;
  // Long enough that a guesser gets 12 answers a minute on a connection.
  static constexpr std::chrono::seconds slow_by{5};

  // A pair that logs in every few minutes is written down once a day.
  static constexpr std::chrono::hours written_every{24};

  // In memory only.
  LoginFailures() = default;
  // Reads the file.
  LoginFailures(std::string path, Log& log);

  void failed(const std::string& client, std::string_view login, SteadyTime now = steady_now());
  void succeeded(const std::string& client, std::string_view login, SteadyTime now = steady_now());
  // Whether that pair has failed too often to be asked about. 0: there is no limit.
  bool blocked(const std::string& client, std::string_view login, std::uint32_t limit,
               SteadyTime now = steady_now()) const;
  // How late the answer to this login must be.
  std::chrono::seconds delay(const std::string& client, std::string_view login,
                             SteadyTime now = steady_now()) const;

 private:
  struct Count {
    SteadyTime since{};
    std::uint32_t failures = 0;
  };
  using Counts = std::unordered_map<std::string, Count>;
  struct Known {
    SteadyTime at{};
    SteadyTime written{};  // the time that the file has
  };
  struct Table {
    Counts by_pair;
    Counts by_client;
    std::unordered_map<std::string, Known> known;  // pairs that succeeded
  };
  static void count(Counts& counts, const std::string& key, SteadyTime now);
  static std::uint32_t failures(const Counts& counts, const std::string& key, SteadyTime now);
  void read_line(const std::string& line);
  std::string all_lines();

  Guarded<Table> table_;
  std::unique_ptr<LineFile> file_;  // last: its thread reads the table
};

// Clients whose handshake failed on `mx`: they are not offered STARTTLS for an hour, so that their
// mail comes in clear rather than never.
class BrokenTls {
 public:
  static constexpr std::chrono::hours remembered{1};
  static constexpr std::size_t most = 10'000;  // hosts; the real ones are a handful
  void failed(const std::string& client, SteadyTime now = steady_now());
  bool is_broken(const std::string& client, SteadyTime now = steady_now()) const;

 private:
  Guarded<std::unordered_map<std::string, SteadyTime>> until_;
};

}  // namespace sekisho::smtp
