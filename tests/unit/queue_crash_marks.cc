// Which messages a crash is counted for: real processes that end by real signals.
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/crash_marks.h"
#include "queue/runner.h"
#include "support/queue_place.h"
#include "support/temporary_folder.h"

namespace sekisho::queue {

namespace {

// The marks that a process leaves which works on two messages and then ends.
std::map<std::string, unsigned> after(const std::string& path, const std::function<void()>& end) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    auto marks = CrashMarks::open(path);
    if (!marks) ::_exit(1);
    const CrashMarks::UnderWay one(marks->get(), "K7Q2-4DMX");
    const CrashMarks::UnderWay two(marks->get(), "K7Q2-4DMY");
    { const CrashMarks::UnderWay over(marks->get(), "K7Q2-4DMZ"); }
    end();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const auto marks = CrashMarks::open(path);
  return marks ? (*marks)->found() : std::map<std::string, unsigned>{{"cannot be read", 1}};
}

// As an allocation that fails where nobody catches it.
void want_memory() noexcept {
  const std::function<void()> fail = [] { throw std::bad_alloc(); };
  fail();
}

const std::map<std::string, unsigned> both = {{"K7Q2-4DMX", 1}, {"K7Q2-4DMY", 1}};

}  // namespace

TEST(CrashMarks, EachSignalOfACrashNamesWhatIsUnderWay) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(after(folder.file("marks"), [&] { ::raise(signal); }), both) << signal;
  }
}

TEST(CrashMarks, AThreadThatSaysWhatItWorksOnNamesItAlone) {
  const test::TemporaryFolder folder;
  const auto end = [] {
    const CrashMarks::Here here("K7Q2-4DMY");
    ::raise(SIGSEGV);
  };
  EXPECT_EQ(after(folder.file("marks"), end), (std::map<std::string, unsigned>{{"K7Q2-4DMY", 1}}));
  EXPECT_EQ(after(folder.file("marks"), end), (std::map<std::string, unsigned>{{"K7Q2-4DMY", 2}}));
}

TEST(CrashMarks, WorkWithinWorkEndsWithTheOuterOne) {
  const test::TemporaryFolder folder;
  const auto end = [] {
    const CrashMarks::Here outer("K7Q2-4DMX");
    { const CrashMarks::Here inner("K7Q2-4DMY"); }
    ::raise(SIGSEGV);
  };
  EXPECT_EQ(after(folder.file("marks"), end), (std::map<std::string, unsigned>{{"K7Q2-4DMX", 1}}));
}

// What the next hop has said is read when the message is no longer on its way.
TEST(CrashMarks, ACrashWhileABounceIsWrittenNamesItsMessage) {
  const test::TemporaryFolder folder;
  const auto end = [] {
    test::QueuePlace place([](const auto&) {
      return test::result(relay::Result::Code::failed, "5.1.1", "550 5.1.1 no such user");
    });
    const auto crash = [] {
      ::raise(SIGSEGV);
      return std::string("B1");
    };
    place.runner =
        std::make_unique<Runner>(Runner::Needs{place.spool,
                                               place.transport,
                                               {place.log, place.log, place.log, place.log},
                                               place.alarms,
                                               crash},
                                 place.site);
    place.put(test::QueuePlace::message("K7Q2-4DMZ", {"bob@example.net"}));
    place.lines.wait("it has not crashed");
  };
  EXPECT_EQ(after(folder.file("marks"), end), (std::map<std::string, unsigned>{{"K7Q2-4DMZ", 1}}));
}

TEST(CrashMarks, AKillAndWantOfMemoryNeverCount) {
  const test::TemporaryFolder folder;
  EXPECT_TRUE(after(folder.file("marks"), [] { ::raise(SIGKILL); }).empty());
  EXPECT_TRUE(after(folder.file("marks"), [] { ::raise(SIGTERM); }).empty());
  EXPECT_TRUE(after(folder.file("marks"), want_memory).empty());
  EXPECT_TRUE(after(folder.file("marks"), [] {}).empty());
}

TEST(CrashMarks, WhatIsKeptIsFoundAgain) {
  const test::TemporaryFolder folder;
  {
    const auto marks = CrashMarks::open(folder.file("marks"));
    ASSERT_TRUE(marks);
    (*marks)->keep({{"K7Q2-4DMX", 2}});
  }
  EXPECT_EQ((*CrashMarks::open(folder.file("marks")))->found(),
            (std::map<std::string, unsigned>{{"K7Q2-4DMX", 2}}));
}

}  // namespace sekisho::queue
