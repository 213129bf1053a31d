// relay/known_recipients.h: which recipients the next hops have accepted or refused: yes for 31
// days, no for an hour, also beyond a restart. A file of lines, "+ 1794990000 a@example.jp", at
// most once per answer appended, and written anew when most of it is outdated.
// Errors: a file that cannot be read or written costs only what it would remember; problem() says
// so. Thread: any, internally locked; load() and write() wait for the disk.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"

namespace sekisho::relay {

class KnownRecipients {
 public:
  // As long as Postfix's address verification has them (address_verify_positive_expire_time).
  static constexpr std::chrono::hours yes_lasts{31 * 24};
  static constexpr std::chrono::hours no_lasts{1};
  // So long a yes answers by itself; an older one only where the next hop does not.
  static constexpr std::chrono::hours yes_is_fresh{1};
  // Some 100 octets each; whoever asks for random names cannot fill the memory.
  static constexpr std::size_t most_entries = 200'000;

  explicit KnownRecipients(std::string path) : path_(std::move(path)) {}

  void load(WallTime now);
  struct Fact {
    bool exists = false;
    bool fresh = false;
  };
  std::optional<Fact> find(const std::string& address, WallTime now) const;
  void remember(const std::string& address, bool exists, WallTime now);
  // Brings what was remembered to the disk.
  void write(WallTime now);
  std::string problem() const;
  std::size_t size() const;

 private:
  struct Entry {
    bool exists = false;
    WallTime until{};
  };
  using Entries = std::map<std::string, Entry>;
  struct State {
    Entries entries;
    std::string unwritten;
    std::size_t lines = 0;  // of the file
    std::string problem;
  };
  static void prune(Entries& entries, WallTime now);
  std::string append(const std::string& text) const;
  std::string replace(const std::string& text) const;

  const std::string path_;
  Guarded<State> state_;
};

}  // namespace sekisho::relay
