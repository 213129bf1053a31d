// How fast messages are made durable, beside what this disk's fsync allows: both in one run, in
// turns.
//   spool_put [FOLDER] [SECONDS]        default: the working folder, 3 seconds a turn
// The ceiling is what any store with this contract has to do and nothing else: 32 threads write and
// fsync files; one renames what is written, fsyncs the folder, appends 4 KB for each to a log and
// fdatasyncs it.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/guarded.h"
#include "quarantine/store.h"
#include "support/held_messages.h"

namespace sekisho::bench {
namespace {

constexpr int putters = 32;
constexpr std::size_t message_octets = 20 * 1024;
constexpr int turns = 3;

void need(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

struct Group {
  std::vector<std::string> written;
  std::uint64_t last_written = 0;
  std::uint64_t committed = 0;
  bool stopping = false;
};

class Ceiling {
 public:
  explicit Ceiling(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directory(folder_);
    fd_ = UniqueFd(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY));
    log_ = UniqueFd(::open((folder_ + ".log").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    // Room for the log, as SQLite's has after its first checkpoint.
    const std::string room(4 << 20, '\0');
    need(::write(log_.get(), room.data(), room.size()) > 0 && ::fsync(log_.get()) == 0, "log");
  }
  double run(std::chrono::seconds time) {
    const auto end = steady_now() + time;
    std::thread committer([&] { commit(); });
    std::vector<std::thread> threads;
    for (int t = 0; t < putters; ++t) threads.emplace_back([&, t] { put_until(end, t); });
    for (auto& thread : threads) thread.join();
    group_.with([](Group& group) { group.stopping = true; });
    group_.notify_all();
    committer.join();
    const double rate = static_cast<double>(puts_.exchange(0)) / static_cast<double>(time.count());
    group_.with([](Group& group) { group.stopping = false; });
    return rate;
  }

 private:
  void put_until(SteadyTime end, int thread) {
    const std::string octets(message_octets, 'x');
    for (int i = 0; steady_now() < end; ++i) {
      const std::string name = std::to_string(thread) + "-" + std::to_string(serial_++);
      const UniqueFd file(
          ::openat(fd_.get(), (".t" + name).c_str(), O_WRONLY | O_CREAT | O_EXCL, 0640));
      need(::write(file.get(), octets.data(), octets.size()) > 0, "write");
      need(::fsync(file.get()) == 0, "fsync");
      const auto own = group_.with([&](Group& group) {
        group.written.push_back(name);
        return ++group.last_written;
      });
      group_.notify_all();
      group_.wait_until(
          steady_now() + std::chrono::seconds(60),
          [&](const Group& group) { return group.committed >= own; }, [](Group&, bool) {});
      ++puts_;
    }
  }
  void commit() {
    for (;;) {
      std::uint64_t upto = 0;
      const auto names = group_.wait_until(
          steady_now() + std::chrono::seconds(60),
          [](const Group& group) { return group.stopping || !group.written.empty(); },
          [&](Group& group, bool) {
            upto = group.last_written;
            return std::exchange(group.written, {});
          });
      if (names.empty()) return;
      for (const auto& name : names)
        need(::renameat(fd_.get(), (".t" + name).c_str(), fd_.get(), name.c_str()) == 0, "rename");
      need(::fsync(fd_.get()) == 0, "fsync the folder");
      const std::string rows(names.size() * 4096, 'r');
      need(::pwrite(log_.get(), rows.data(), rows.size(), 0) > 0, "log");
      need(::fdatasync(log_.get()) == 0, "fdatasync");
      group_.with([&](Group& group) { group.committed = upto; });
      group_.notify_all();
    }
  }

  std::string folder_;
  UniqueFd fd_;
  UniqueFd log_;
  Guarded<Group> group_;
  std::atomic<std::uint64_t> serial_{0};
  std::atomic<std::uint64_t> puts_{0};
};

class Putting {
 public:
  explicit Putting(const std::string& folder) {
    quarantine::Options options;
    options.dir = folder;
    options.max_size = 0;
    auto store = quarantine::Store::open(options, spool::Access::owner,
                                         [](const std::string& text) { std::puts(text.c_str()); });
    need(store.has_value(), "store");
    store_ = std::move(*store);
  }
  double run(std::chrono::seconds time) {
    end_ = steady_now() + time;
    left_.with([](int& left) { left = putters; });
    for (int i = 0; i < putters; ++i) put();
    left_.wait_until(
        end_ + std::chrono::seconds(60), [](int left) { return left == 0; }, [](int, bool) {});
    return static_cast<double>(puts_.exchange(0)) / static_cast<double>(time.count());
  }

 private:
  void put() {
    test::hold(*store_, serial_++, message_octets, [this](const spool::Outcome<spool::Stored>& s) {
      if (!s) std::puts(s.error().why.c_str());
      ++puts_;
      if (s && steady_now() < end_) return put();
      left_.with([](int& left) { --left; });
      left_.notify_all();
    });
  }

  std::unique_ptr<quarantine::Store> store_;
  SteadyTime end_;
  Guarded<int> left_{0};
  std::atomic<std::uint64_t> serial_{1};
  std::atomic<std::uint64_t> puts_{0};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void time_lists(const std::string& folder) {
  quarantine::Options options;
  options.dir = folder;
  options.max_size = 0;
  auto store = quarantine::Store::open(options, spool::Access::owner, [](const std::string&) {});
  need(store.has_value(), "store");
  constexpr int rows = 100'000;
  Guarded<int> left(rows);
  for (int i = 0; i < rows; ++i) {
    // In portions: a store takes a thousand at once.
    if (i % 500 == 0) {
      left.wait_until(
          steady_now() + std::chrono::seconds(60), [&](int n) { return n <= rows - i; },
          [](int, bool) {});
    }
    test::hold(**store, static_cast<std::uint64_t>(i), 100, [&](const auto& stored) {
      need(stored.has_value(), "hold");
      left.with([](int& n) { --n; });
      left.notify_all();
    });
  }
  left.wait_until(
      steady_now() + std::chrono::seconds(60), [](int n) { return n == 0; }, [](int, bool) {});
  const auto time = [&](const char* what, const quarantine::Filter& filter) {
    const auto start = steady_now();
    std::size_t count = 0;
    const auto listed =
        (*store)->list(filter, [&](const quarantine::HeldRow&) { return ++count > 0; });
    need(listed.has_value(), "list");
    const std::chrono::duration<double> took = steady_now() - start;
    std::printf("list of %zu of 100,000, %s: %.3f s\n", count, what, took.count());
  };
  time("all", {});
  time("all again", {});
  time("the latest 100", {.limit = 100});
  time("a text that is rare", {.text = "message 77777"});
}

}  // namespace
}  // namespace sekisho::bench

int main(int count, char** arguments) {
  using namespace sekisho::bench;
  const std::string place =
      (count > 1 ? std::string(arguments[1]) : ".") + "/spool_put." + std::to_string(::getpid());
  const std::chrono::seconds time(count > 2 ? std::atoi(arguments[2]) : 3);
  std::filesystem::create_directory(place);
  {
    Ceiling ceiling(place + "/ceiling");
    Putting store(place + "/store");
    std::vector<double> ceilings;
    std::vector<double> rates;
    for (int turn = 0; turn < turns; ++turn) {
      ceilings.push_back(ceiling.run(time));
      rates.push_back(store.run(time));
      std::printf("turn %d: ceiling %.0f/s, store %.0f/s\n", turn + 1, ceilings.back(),
                  rates.back());
    }
    std::printf("median: ceiling %.0f/s, store %.0f/s, %.0f%%\n", median(ceilings), median(rates),
                100 * median(rates) / median(ceilings));
  }
  time_lists(place + "/lists");
  std::filesystem::remove_all(place);
  return 0;
}
