// The event loops: how they are filled, and the tasks that other threads hand to them.
#include "net/loops.h"

#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <list>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "net/loop.h"

namespace sekisho::net {

namespace {

class KeepingSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) const override {
    lines.with([&](auto& all) { all.emplace_back(line); });
    return true;
  }
  mutable Guarded<std::vector<std::string>> lines;
};

UniqueFd some_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

// One that decides thousands of messages a second is enough for two cores; an MTA's usual
// connections fit into two.
TEST(Loops, UsuallyOneForTwoCores) {
  const auto size = Loops::usual_size();
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  EXPECT_EQ(size.count, std::clamp(cores / 2, 1U, 8U));
  EXPECT_EQ(size.filled_at, 64U);
}

TEST(Loops, AreFilledInOrderAndThenEvenly) {
  Log log(std::make_shared<KeepingSink>(), LogLevel::error);
  const Loops loops("front", log, {.count = 3, .filled_at = 2});
  const auto count = std::make_shared<std::atomic<std::size_t>>(0);
  std::list<Link> links;
  std::vector<std::size_t> where;
  const auto one_more = [&] {
    links.push_back(loops.link(some_socket(), count));
    where.push_back(links.back().seat.loop().number());
  };
  for (int i = 0; i < 9; ++i) one_more();
  EXPECT_EQ(where, (std::vector<std::size_t>{0, 0, 1, 1, 2, 2, 0, 1, 2}));
  EXPECT_EQ(*count, 9U);
  // Where two have gone there is room first.
  links.erase(std::next(links.begin(), 2), std::next(links.begin(), 4));
  where.clear();
  one_more();
  EXPECT_EQ(where, (std::vector<std::size_t>{1}));
  links.clear();
  EXPECT_EQ(*count, 0U);
  EXPECT_EQ(loops.first().connections(), 0U);
}

TEST(Loops, EachVisitIsOnItsOwnThread) {
  Log log(std::make_shared<KeepingSink>(), LogLevel::error);
  Loops loops("front", log, {.count = 3, .filled_at = 1});
  loops.run();
  std::set<std::thread::id> threads;
  const auto numbers = loops.sum([&](Loop& loop) {
    threads.insert(std::this_thread::get_id());
    return loop.number();
  });
  EXPECT_EQ(numbers, 0U + 1U + 2U);
  EXPECT_EQ(threads.size(), 3U);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
  loops.stop();
  loops.stop();
}

TEST(LoopExecutor, TasksRunInTheirOrderAndOneThatBreaksHarmsNoOther) {
  const auto sink = std::make_shared<KeepingSink>();
  Log log(sink, LogLevel::error);
  Loops loops("front", log, {.count = 1, .filled_at = 1});
  const auto executor = loops.first().executor();
  std::vector<int> ran;
  std::promise<void> all;
  executor->post([&] {
    executor->post([&] { all.set_value(); });
    ran.push_back(1);
  });
  executor->post([] { throw std::runtime_error("a bug"); });
  executor->post([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  loops.run();
  all.get_future().wait();
  loops.stop();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  sink->lines.with([](const auto& lines) {
    EXPECT_EQ(lines, std::vector<std::string>{"front: internal error: a bug"});
  });
}

}  // namespace

}  // namespace sekisho::net
