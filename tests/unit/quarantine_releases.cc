// Releases that meet: of two, one goes on; one that was killed is in nobody's way; one that may
// have been delivered is not repeated by itself.
#include <array>
#include <csignal>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/quarantine_test.h"

namespace sekisho::quarantine {
namespace {

using std::chrono::hours;
using test::held_id;
using test::held_message;
using testing::HasSubstr;
namespace fs = std::filesystem;

class Releases : public test::QuarantineTest {};

TEST_F(Releases, ReleasedTwiceAtTheSameTimeIsReleasedOnce) {
  auto store = open();
  for (std::uint64_t i = 0; i < 10; ++i) hold(*store, i);
  std::array<std::vector<Release>, 4> begun;
  std::vector<std::thread> admins;
  for (auto& own : begun) {
    admins.emplace_back([&] {
      for (std::uint64_t i = 0; i < 10; ++i) {
        if (auto release = store->begin_release({held_id(i), {}}, now_))
          own.push_back(std::move(*release));
      }
    });
  }
  for (auto& admin : admins) admin.join();
  EXPECT_EQ(begun[0].size() + begun[1].size() + begun[2].size() + begun[3].size(), 10U);
}

TEST_F(Releases, ManyProcessesChangeEachStateOnce) {
  auto store = open();
  for (std::uint64_t i = 0; i < 20; ++i) hold(*store, i);
  store.reset();
  // Each child releases, deletes and expires whatever it can, and tells how many it won.
  std::vector<pid_t> children;
  int results[2];
  ASSERT_EQ(::pipe(results), 0);
  for (int c = 0; c < 4; ++c) {
    const pid_t child = ::fork();
    if (child == 0) {
      unsigned char won = 0;
      auto guest = open(Access::guest);
      for (std::uint64_t i = 0; i < 20; ++i) {
        if ((i + static_cast<std::uint64_t>(c)) % 2 == 0) {
          won = static_cast<unsigned char>(won + guest->remove(held_id(i), now_).has_value());
        } else if (const auto release = guest->begin_release({held_id(i), {}}, now_)) {
          won = static_cast<unsigned char>(won + 1);
          ::_exit(guest->finish_release(*release, "250", now_) &&
                          ::write(results[1], &won, 1) == 1 && i < 20
                      ? 0
                      : 1);
        }
      }
      ::_exit(::write(results[1], &won, 1) == 1 ? 0 : 1);
    }
    children.push_back(child);
  }
  int won = 0;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    unsigned char octet = 0;
    ASSERT_EQ(::read(results[0], &octet, 1), 1);
    won += octet;
  }
  ::close(results[0]);
  ::close(results[1]);
  store = open();
  const auto stats = store->stats(now_);
  EXPECT_EQ(static_cast<std::uint64_t>(won), stats->delivered + stats->deleted);
  EXPECT_EQ(stats->held + stats->delivered + stats->deleted, 20U);
  EXPECT_TRUE(store->verify(true)->clean());
}

// A child begins a release and is gone.
void begin_and_die(const Options& options, const std::string& id, bool handed_over, WallTime now) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = Store::open(options, Access::guest, [](const std::string&) {});
    const auto release = (*store)->begin_release({id, {}}, now);
    bool good = release.has_value();
    if (good && handed_over) {
      good = (*store)->consume_token(test::held_proof(1, release->token), now).has_value();
    }
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
}

TEST_F(Releases, AReleaseWhoseProcessIsGoneIsTakenOver) {
  auto store = open();
  hold(*store, 1);
  store.reset();
  begin_and_die(options_, held_id(1), false, now_);
  store = open();
  EXPECT_EQ(state_of(*store, 1), State::released);
  const auto release = store->begin_release({held_id(1), {}}, now_);
  ASSERT_TRUE(release.has_value()) << release.error().why;
  const auto second = store->begin_release({held_id(1), {}}, now_);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().why, HasSubstr("process " + std::to_string(::getpid())));
  EXPECT_FALSE(store->remove(held_id(1), now_).has_value());
  // However long it takes.
  EXPECT_FALSE(store->begin_release({held_id(1), {}}, now_ + hours(48)).has_value());
  EXPECT_TRUE(store->finish_release(*release, "250 ok", now_).has_value());
}

// A release in a process of its own, until that is killed.
class OtherRelease {
 public:
  OtherRelease(const Options& options, const std::string& id, WallTime now) {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    process_ = ::fork();
    if (process_ == 0) {
      auto store = Store::open(options, Access::guest, [](const std::string&) {});
      const auto release = (*store)->begin_release({id, {}}, now);
      const char begun = release ? 'y' : 'n';
      if (::write(pipe[1], &begun, 1) == 1) ::pause();
      ::_exit(1);
    }
    char begun = 'n';
    EXPECT_EQ(::read(pipe[0], &begun, 1), 1);
    EXPECT_EQ(begun, 'y');
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
  ~OtherRelease() { kill(); }
  pid_t process() const { return process_; }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  pid_t process_ = 0;
};

TEST_F(Releases, AReleaseThatIsKilledIsTakenOverAtOnce) {
  auto store = open();
  hold(*store, 1);
  store.reset();
  OtherRelease other(options_, held_id(1), now_);
  store = open();
  // Not by the clock, and not by the number of its process.
  const auto refused = store->begin_release({held_id(1), {}}, now_ + hours(48));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Failure::Kind::refused);
  EXPECT_THAT(refused.error().why,
              HasSubstr("process " + std::to_string(other.process()) + " is releasing it"));
  EXPECT_FALSE(store->remove(held_id(1), now_ + hours(48)));
  EXPECT_EQ(store->expire_now(now_ + hours(24 * 365)).value(), 0U);
  other.kill();
  EXPECT_EQ(state_of(*store, 1), State::released);
  const auto release = store->begin_release({held_id(1), {}}, now_);
  ASSERT_TRUE(release) << release.error().why;
  EXPECT_EQ(*store->finish_release(*release, "250 ok", now_), State::delivered);
  EXPECT_FALSE(has_file(1));
}

TEST_F(Releases, AReleaseThatIsKilledKeepsNobodyFromDeletingAndExpiring) {
  options_.keep = hours(1);
  auto store = open();
  hold(*store, 1);
  hold(*store, 2);
  store.reset();
  OtherRelease one(options_, held_id(1), now_);
  OtherRelease two(options_, held_id(2), now_);
  store = open();
  one.kill();
  EXPECT_TRUE(store->remove(held_id(1), now_));
  EXPECT_EQ(store->expire_now(now_ + hours(2)).value(), 0U);
  EXPECT_FALSE(has_file(1));
  two.kill();
  EXPECT_EQ(store->expire_now(now_ + hours(2)).value(), 1U);
  EXPECT_FALSE(has_file(2));
}

TEST_F(Releases, AReleaseIsKnownWhereTheIndexHasForgottenIt) {
  auto store = open();
  hold(*store, 1);
  {
    const auto release = store->begin_release({held_id(1), {}}, now_);
    ASSERT_TRUE(release);
    store.reset();
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(options_.dir + "/index.db" + end);
    store = open();
    EXPECT_EQ(state_of(*store, 1), State::held);
    const auto second = store->begin_release({held_id(1), {}}, now_);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().why, HasSubstr("another process is releasing it"));
    EXPECT_FALSE(store->remove(held_id(1), now_));
  }
  EXPECT_TRUE(store->begin_release({held_id(1), {}}, now_));
}

TEST_F(Releases, AReleaseThatBrokeOffAfterTheFilterIsNotRepeatedByItself) {
  auto store = open();
  hold(*store, 1);
  store.reset();
  begin_and_die(options_, held_id(1), true, now_);
  store = open();
  const auto again = store->begin_release({held_id(1), {}}, now_);
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error().why, HasSubstr("may have delivered"));
  EXPECT_TRUE(store->begin_release({held_id(1), {}, true}, now_).has_value());
}

TEST_F(Releases, AReleaseOfAMissingFileSaysSo) {
  auto store = open();
  hold(*store, 1);
  fs::remove(options_.dir + "/" + held_id(1));
  const auto release = store->begin_release({held_id(1), {}}, now_);
  ASSERT_FALSE(release.has_value());
  EXPECT_EQ(release.error().kind, Failure::Kind::not_found);
  EXPECT_EQ(state_of(*store, 1), State::held);
  EXPECT_TRUE(store->remove(held_id(1), now_).has_value());
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(Releases, WhatIsBeingReleasedDoesNotExpire) {
  options_.keep = hours(1);
  auto store = open();
  hold(*store, 1);
  {
    const auto release = store->begin_release({held_id(1), {}}, now_ + hours(2));
    ASSERT_TRUE(release.has_value());
    EXPECT_EQ(store->expire_now(now_ + hours(26)).value(), 0U);
  }
  EXPECT_EQ(store->expire_now(now_ + hours(27)).value(), 1U);  // broken off
}

TEST_F(Releases, WhatIsDeletedAfterABrokenReleaseDoesNotPass) {
  const auto store = open();
  hold(*store, 1);
  std::string token;
  {
    const auto release = store->begin_release({held_id(1), {}}, now_);
    ASSERT_TRUE(release);
    token = release->token;
  }
  ASSERT_TRUE(store->remove(held_id(1), now_));
  const auto passed = store->consume_token(test::held_proof(1, token), now_);
  ASSERT_FALSE(passed);
  EXPECT_EQ(passed.error().kind, Failure::Kind::unavailable);
}

TEST_F(Releases, WhatExpiresAfterABrokenReleaseDoesNotPass) {
  options_.keep = hours(1);
  const auto store = open();
  hold(*store, 1);
  std::string token;
  {
    const auto release = store->begin_release({held_id(1), {}}, now_ + hours(2));
    ASSERT_TRUE(release);
    token = release->token;
  }
  ASSERT_EQ(store->expire_now(now_ + hours(2)).value(), 1U);
  const auto passed = store->consume_token(test::held_proof(1, token), now_ + hours(2));
  ASSERT_FALSE(passed);
  EXPECT_EQ(passed.error().kind, Failure::Kind::unavailable);
}

// The MTA had all of the message and did not answer: whether a second release may follow depends on
// the filter.
TEST_F(Releases, AReleaseWithoutAnAnswerIsRemembered) {
  const auto store = open();
  hold(*store, 1);
  const WallTime now = held_message(1).time;
  const auto unseen = store->begin_release({held_id(1), {}}, now);
  ASSERT_TRUE(unseen);
  ASSERT_TRUE(store->fail_release(*unseen, "no answer", now, /*may_have_it=*/true));
  EXPECT_EQ(state_of(*store, 1), State::held);

  const auto passed = store->begin_release({held_id(1), {}}, now);
  ASSERT_TRUE(passed) << "no filter has passed the first one";
  ASSERT_TRUE(store->consume_token(test::held_proof(1, passed->token), now));
  ASSERT_TRUE(store->fail_release(*passed, "no answer", now, /*may_have_it=*/true));
  const auto refused = store->begin_release({held_id(1), {}}, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Failure::Kind::refused);
  EXPECT_EQ(state_of(*store, 1), State::held);
  EXPECT_TRUE(store->begin_release({held_id(1), {}, true}, now));
}

}  // namespace
}  // namespace sekisho::quarantine
