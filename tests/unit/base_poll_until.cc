#include "base/poll_until.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/unique_handle.h"

namespace sekisho {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  UniqueFd out;
  UniqueFd in;
};

TEST(PollUntil, aDescriptorIsReadyOrTheDeadlineIsReached) {
  Pipe pipe;
  const auto before = steady_now();
  EXPECT_EQ(poll_until(pipe.out.get(), POLLIN, before + 20ms), Polled::late);
  EXPECT_GE(steady_now(), before + 20ms);
  EXPECT_EQ(poll_until(pipe.in.get(), POLLOUT, steady_now() + 1h), Polled::ready);
  ASSERT_EQ(::write(pipe.in.get(), "x", 1), 1);
  EXPECT_EQ(poll_until(pipe.out.get(), POLLIN, steady_now() + 1h), Polled::ready);
  // Beyond what fits poll's int.
  EXPECT_EQ(poll_until(pipe.out.get(), POLLIN, SteadyTime::max()), Polled::ready);
}

// Whoever drips octets keeps nobody beyond the deadline.
TEST(PollUntil, nothingIsAskedOnceTheDeadlineIsPast) {
  Pipe pipe;
  ASSERT_EQ(::write(pipe.in.get(), "x", 1), 1);
  EXPECT_EQ(poll_until(pipe.out.get(), POLLIN, steady_now() - 1ms), Polled::late);
}

TEST(PollUntil, aBrokenConnectionIsReady) {
  Pipe pipe;
  pipe.in.reset();
  EXPECT_EQ(poll_until(pipe.out.get(), POLLIN, steady_now() + 1h), Polled::ready);
}

TEST(PollUntil, oneOfSeveralIsReady) {
  Pipe quiet;
  Pipe talks;
  ASSERT_EQ(::write(talks.in.get(), "x", 1), 1);
  std::array<pollfd, 2> waiting = {pollfd{quiet.out.get(), POLLIN, 0},
                                   pollfd{talks.out.get(), POLLIN, 0}};
  EXPECT_EQ(poll_until(waiting, steady_now() + 1h), Polled::ready);
  EXPECT_EQ(waiting[0].revents, 0);
  EXPECT_EQ(waiting[1].revents, POLLIN);
}

TEST(PollUntil, aSignalInterruptsNothing) {
  struct sigaction nothing {};
  struct sigaction before {};
  nothing.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &nothing, &before), 0);
  Pipe pipe;
  const pthread_t self = ::pthread_self();
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    ::pthread_kill(self, SIGUSR1);
  });
  const auto deadline = steady_now() + 60ms;
  EXPECT_EQ(poll_until(pipe.out.get(), POLLIN, deadline), Polled::late);
  EXPECT_GE(steady_now(), deadline);
  other.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

// It refuses more descriptors than the process may have.
TEST(PollUntil, whatPollRefusesFails) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{100, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<pollfd> many(101, pollfd{-1, 0, 0});
  EXPECT_EQ(poll_until(many, steady_now() + 1s), Polled::failed);
  EXPECT_EQ(errno, EINVAL);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace sekisho
