// The drop folder: what is taken in, as whom, and what is not: links, pipes, files of others, and
// what is refused.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/drop_folder.h"
#include "support/few_descriptors.h"
#include "support/temporary_folder.h"

namespace sekisho::app {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Lines final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) const override {
    text_.with([&](std::string& text) { text.append(line).append("\n"); });
    return true;
  }
  std::string text() const {
    return text_.with([](const std::string& text) { return text; });
  }

 private:
  mutable Guarded<std::string> text_;
};

const cli::Dropped message{
    "MAIL FROM:<root>", {"RCPT TO:<a>", "RCPT TO:<b>"}, "From: root\r\n\r\nx\r\n"};

class DropFolderTest : public ::testing::Test {
 protected:
  DropFolderTest() {
    const auto opened = drop_.open();
    EXPECT_TRUE(opened) << opened.error();
    drop_.begin();
  }
  std::string path(const std::string& name) const { return folder_.file("drop/" + name); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  bool waits(const std::string& name) const { return fs::exists(fs::symlink_status(path(name))); }
  bool is_aside(const std::string& name) const { return waits("bad/" + name); }

  test::TemporaryFolder folder_;
  std::shared_ptr<Lines> lines_ = std::make_shared<Lines>();
  Log log_{lines_, LogLevel::debug};
  std::function<void()> while_submitting_ = [] {};
  cli::Submitted answer_{"250 2.0.0 Ok: queued as X", {}, {}, ""};
  std::vector<cli::Dropped> taken_;
  std::vector<uid_t> owners_;
  DropFolder drop_{{folder_.file("drop"), 1000, ""},
                   [this](uid_t owner, const cli::Dropped& dropped) {
                     owners_.push_back(owner);
                     taken_.push_back(dropped);
                     while_submitting_();
                     return answer_;
                   },
                   log_};
  const SteadyTime now_ = steady_now();
};

TEST_F(DropFolderTest, AnybodyMayLeaveFilesAndNobodyMayListThem) {
  struct stat status {};
  ASSERT_EQ(::stat(folder_.file("drop").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, S_IFDIR | 01733);
  ASSERT_EQ(::stat(path("bad").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, S_IFDIR | 0700);
}

TEST_F(DropFolderTest, TakesAMessageInAsItsOwner) {
  const auto dropped = cli::drop(folder_.file("drop"), message);
  ASSERT_TRUE(dropped) << dropped.error();
  if (::getuid() == 0) {
    for (const auto& each : fs::directory_iterator(folder_.file("drop"))) {
      if (!each.is_regular_file()) continue;
      EXPECT_EQ(::chown(each.path().c_str(), 4711, 4711), 0);
    }
  }
  EXPECT_EQ(drop_.look(now_), 1U);
  ASSERT_EQ(taken_, std::vector{message});
  EXPECT_EQ(owners_[0], ::getuid() == 0 ? 4711 : ::getuid());
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_NE(lines_->text().find("was taken in: 250 2.0.0"), std::string::npos) << lines_->text();
}

TEST_F(DropFolderTest, WhatIsNoMessageIsSetAsideOnce) {
  put("passwd", "root:x:0:0:root:/root:/bin/sh\n");
  put("large", message.text() + std::string(2 << 20, 'x'));
  put("victim", message.text());
  fs::rename(path("victim"), folder_.file("victim"));
  fs::create_symlink(folder_.file("victim"), path("link"));
  fs::create_hard_link(folder_.file("victim"), path("second-name"));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0644), 0);
  ASSERT_EQ(::mkdir(path("folder").c_str(), 0755), 0);
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_TRUE(taken_.empty());
  for (const char* name : {"passwd", "large", "link", "second-name", "pipe", "folder"}) {
    EXPECT_TRUE(is_aside(name)) << name;
    EXPECT_FALSE(waits(name)) << name;
  }
  const auto said = lines_->text();
  drop_.look(now_ + 1h);
  EXPECT_EQ(lines_->text(), said);
}

TEST_F(DropFolderTest, AFileThatIsBeingWrittenIsLeftAlone) {
  const std::string name = std::string(cli::drop_unfinished) + "1";
  put(name, message.text());
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_TRUE(waits(name));
  fs::last_write_time(path(name), fs::file_time_type::clock::now() - 25h);
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_TRUE(is_aside(name));
}

TEST_F(DropFolderTest, WhatIsDeferredIsTriedAgainForWhoStillWaits) {
  put("m", message.text());
  answer_ = {"250 2.0.0 Ok", {}, {"RCPT TO:<b>"}, "451 4.3.0 later"};
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_EQ(drop_.look(now_ + 59s), 0U);
  ASSERT_EQ(taken_.size(), 1U);
  answer_ = {"250 2.0.0 Ok", {}, {}, ""};
  EXPECT_EQ(drop_.look(steady_now() + 61s), 1U);
  ASSERT_EQ(taken_.size(), 2U);
  EXPECT_EQ(taken_[1].rcpts, std::vector<std::string>{"RCPT TO:<b>"});
  EXPECT_FALSE(waits("m"));
}

// The one that has it does not get it again, whoever restarts the daemon.
TEST_F(DropFolderTest, WhoStillWaitsIsOnTheDisk) {
  put("m", message.text());
  if (::getuid() == 0) {
    ASSERT_EQ(::chown(path("m").c_str(), 4711, 4711), 0);
  }
  answer_ = {"250 2.0.0 Ok", {}, {"RCPT TO:<b>"}, "451 4.3.0 later"};
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_FALSE(waits("m"));
  EXPECT_TRUE(waits("rest/m"));
  answer_ = {"250 2.0.0 Ok", {}, {}, ""};
  DropFolder after_a_restart(
      {folder_.file("drop"), 1000, ""},
      [this](uid_t owner, const cli::Dropped& dropped) {
        owners_.push_back(owner);
        taken_.push_back(dropped);
        return answer_;
      },
      log_);
  ASSERT_TRUE(after_a_restart.open());
  ASSERT_TRUE(after_a_restart.begin());
  EXPECT_EQ(after_a_restart.look(now_), 1U);
  ASSERT_EQ(taken_.size(), 2U);
  EXPECT_EQ(taken_[1].rcpts, std::vector<std::string>{"RCPT TO:<b>"});
  EXPECT_EQ(taken_[1].content, message.content);
  EXPECT_EQ(owners_[1], owners_[0]);
  EXPECT_FALSE(waits("rest/m"));
}

// Nobody but the daemon writes there; what has no owner is given to nobody.
TEST_F(DropFolderTest, WhatIsLeftNeedsAnOwner) {
  put("rest/m", message.text());
  put("rest/n", "uid 0x\n" + message.text());
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_TRUE(taken_.empty());
  EXPECT_TRUE(is_aside("m"));
  EXPECT_TRUE(is_aside("n"));
}

// What the host lacks for a moment is no fault of the message.
TEST_F(DropFolderTest, APassingFaultSetsNothingAside) {
  put("m", message.text());
  put("n", message.text());
  std::unique_ptr<test::FewDescriptors> none;
  while_submitting_ = [&] { none = std::make_unique<test::FewDescriptors>(0); };
  EXPECT_EQ(drop_.look(now_), 1U);
  none.reset();
  while_submitting_ = [] {};
  EXPECT_NE(waits("m"), waits("n"));
  EXPECT_FALSE(is_aside("m") || is_aside("n")) << lines_->text();
  EXPECT_EQ(drop_.look(steady_now() + 61s), 1U);
  EXPECT_EQ(taken_.size(), 2U);
}

// A folder that the daemon cannot write to any more.
TEST_F(DropFolderTest, WhatCannotBeRemovedIsTakenInOnce) {
  put("m", message.text());
  fs::permissions(path("m"), fs::perms(0644));
  fs::permissions(path(""), fs::perms(0555));
  const uid_t user = ::geteuid();
  constexpr uid_t nobody = 65534;
  if (user == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);
  }
  drop_.look(now_);
  drop_.look(steady_now() + 61s);
  if (user == 0) {
    ASSERT_EQ(::seteuid(user), 0);
  }
  EXPECT_EQ(taken_.size(), 1U);
  EXPECT_NE(lines_->text().find("m was taken in and cannot be removed"), std::string::npos);
  fs::permissions(path(""), fs::perms(0700));
  drop_.look(steady_now() + 122s);
  EXPECT_FALSE(waits("m"));
  EXPECT_EQ(taken_.size(), 1U);
}

TEST_F(DropFolderTest, WhatIsRefusedForGoodIsKeptForAPerson) {
  put("m", message.text());
  answer_ = {"", {{"", "552 5.3.4 too large"}}, {}, ""};
  EXPECT_EQ(drop_.look(now_), 0U);
  EXPECT_TRUE(is_aside("m"));
  EXPECT_NE(lines_->text().find("552 5.3.4 too large"), std::string::npos) << lines_->text();
}

}  // namespace
}  // namespace sekisho::app
