// A process that holds, releases and deletes messages as fast as it can is killed at a random
// moment, again and again. Whatever it was told to be done must be so when the store is opened
// next.
//   spool_kill [--rounds N] [--seed N]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quarantine/store.h"
#include "support/held_messages.h"
#include "support/temporary_folder.h"

namespace sekisho::test {
namespace {

using quarantine::Access;
using quarantine::State;

constexpr std::uint64_t in_flight = 32;
constexpr std::uint64_t per_round = 1'000'000;

// Small ones, ordinary ones, and every eighth waits in a file while it arrives.
std::size_t size_of(std::uint64_t number) {
  return number % 8 == 7 ? 300'000 : 100 + number % 5 * 5000;
}

struct Note {
  char what;  // h held, d deleted, r delivered
  std::uint64_t number;
};

class Child {
 public:
  Child(const quarantine::Options& options, int notes, std::uint64_t first)
      : notes_(notes), next_(first) {
    auto store = quarantine::Store::open(options, Access::owner, [](const std::string&) {});
    if (!store) ::_exit(3);
    store_ = std::move(*store);
  }
  [[noreturn]] void run() {
    for (std::uint64_t i = 0; i < in_flight; ++i) hold_next();
    for (std::uint64_t number = next_;;) {
      if (number + in_flight * 2 > next_.load()) {
        std::this_thread::yield();
        continue;
      }
      dispose(number);
      number += 3;
    }
  }

 private:
  void say(char what, std::uint64_t number) {
    const Note note{what, number};
    if (::write(notes_, &note, sizeof note) != sizeof note) ::_exit(4);
  }
  void hold_next() {
    const auto number = next_++;
    hold(*store_, number, size_of(number), [this, number](spool::Outcome<spool::Stored> stored) {
      if (!stored) ::_exit(5);
      say('h', number);
      hold_next();
    });
  }
  void dispose(std::uint64_t number) {
    const auto now = wall_now();
    if (number % 2 == 0) {
      if (store_->remove(held_id(number), now)) say('d', number);
      return;
    }
    const auto release = store_->begin_release({held_id(number), {}}, now);
    if (release && store_->finish_release(*release, "250 ok", now)) say('r', number);
  }

  int notes_;
  std::atomic<std::uint64_t> next_;
  std::unique_ptr<quarantine::Store> store_;
};

class Test {
 public:
  explicit Test(unsigned seed) : random_(seed) {
    options_.dir = place_.file("store");
    options_.max_size = 0;
  }

  bool round(std::uint64_t number) {
    int notes[2];
    if (::pipe(notes) != 0) return false;
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(notes[0]);
      Child(options_, notes[1], number * per_round).run();
    }
    ::close(notes[1]);
    // While it starts, or while it works.
    std::size_t heard = 0;
    Note note{};
    if (number % 4 != 0 && ::read(notes[0], &note, sizeof note) == sizeof note) {
      remember(note);
      ++heard;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 60'000));
    ::kill(child, SIGKILL);
    for (; ::read(notes[0], &note, sizeof note) == sizeof note; ++heard) remember(note);
    ::close(notes[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) {
      std::printf("round %llu: the child ended by itself with status %d\n",
                  static_cast<unsigned long long>(number), WEXITSTATUS(status));
      return false;
    }
    acknowledged_ += heard;
    return check(number);
  }
  std::size_t acknowledged() const { return acknowledged_; }

 private:
  // Notes of one message may come out of order: what became of it counts.
  void remember(const Note& note) {
    char& known = expected_.emplace(note.number, note.what).first->second;
    if (note.what != 'h') known = note.what;
  }

  bool check(std::uint64_t round) {
    std::vector<std::string> alarms;
    auto opened = quarantine::Store::open(options_, Access::owner,
                                          [&](const std::string& text) { alarms.push_back(text); });
    if (!opened) return complain(round, "cannot be opened: " + opened.error().why);
    auto& store = **opened;
    for (const auto& text : alarms) {
      if (text.find("have one again") == std::string::npos) return complain(round, text);
    }
    std::map<std::string, State> rows;
    const auto list = store.list({});
    if (!list) return complain(round, "no list: " + list.error().why);
    for (const auto& row : *list) {
      if (!rows.emplace(row.id, row.state).second) return complain(round, row.id + " twice");
    }
    for (const auto& [number, what] : expected_) {
      if (auto wrong = wrong_with(store, rows, number, what); !wrong.empty())
        return complain(round, held_id(number) + ": " + wrong);
    }
    const auto findings = store.verify(true);
    if (!findings || !findings->clean()) return complain(round, "index and files differ");
    // What this round has shown need not be read in every round to come.
    for (auto it = expected_.begin(); it != expected_.end();)
      it = random_() % 4 == 0 ? std::next(it) : expected_.erase(it);
    return true;
  }
  std::string wrong_with(quarantine::Store& store, const std::map<std::string, State>& rows,
                         std::uint64_t number, char what) {
    const auto row = rows.find(held_id(number));
    if (row == rows.end()) return "lost";
    const State state = row->second;
    if (what == 'd') return state == State::deleted ? "" : "deleted, and here again";
    if (what == 'r') return state == State::delivered ? "" : "delivered, and here again";
    // A change under way when the process died may have been made.
    if (state == State::deleted || state == State::delivered) return "";
    const auto file = store.open_message(held_id(number));
    const auto octets = file ? file->read_all() : spool::failed(file.error());
    if (!octets) return "cannot be read: " + octets.error().why;
    return *octets == held_octets(number, size_of(number)) ? "" : "altered";
  }
  static bool complain(std::uint64_t round, const std::string& what) {
    std::printf("round %llu: %s\n", static_cast<unsigned long long>(round), what.c_str());
    return false;
  }

  TemporaryFolder place_;
  quarantine::Options options_;
  std::mt19937 random_;
  std::map<std::uint64_t, char> expected_;
  std::size_t acknowledged_ = 0;
};

}  // namespace
}  // namespace sekisho::test

int main(int count, char** arguments) {
  unsigned long rounds = 30;
  unsigned seed = std::random_device{}();
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--rounds") == 0)
      rounds = std::strtoul(arguments[i + 1], nullptr, 10);
    if (std::strcmp(arguments[i], "--seed") == 0)
      seed = static_cast<unsigned>(std::strtoul(arguments[i + 1], nullptr, 10));
  }
  std::printf("seed %u\n", seed);
  sekisho::test::Test test(seed);
  for (unsigned long round = 1; round <= rounds; ++round) {
    if (!test.round(round)) return 1;
  }
  std::printf("%lu rounds, %zu acknowledgements, 0 lost\n", rounds, test.acknowledged());
  // Rounds in which nothing happened prove nothing.
  return test.acknowledged() > rounds ? 0 : 1;
}
