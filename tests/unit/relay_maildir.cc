// Maildir folders: which one an address has, what stands in the file, and disks that fail.
#include "relay/maildir.h"

#include <filesystem>
#include <fstream>

#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/relay_test.h"
#include "support/temporary_folder.h"

namespace sekisho::relay {
namespace {

using Code = Result::Code;
using testing::HasSubstr;

namespace fs = std::filesystem;

std::string folder_of(const char* address, const std::string& pattern = "/m/{domain}/{user}") {
  const auto folder = maildir_of(pattern, mail::Path(address), "+");
  return folder ? *folder : "refused";
}

TEST(RelayMaildir, TheFolderOfAnAddress) {
  EXPECT_EQ(folder_of("Alice@Example.JP"), "/m/example.jp/alice");
  EXPECT_EQ(folder_of("alice+news@example.jp"), "/m/example.jp/alice");
  EXPECT_EQ(folder_of("\"a b\"@example.jp"), "/m/example.jp/a b");
  EXPECT_EQ(folder_of("+x@example.jp"), "/m/example.jp/+x");
  EXPECT_EQ(folder_of("alice@example.jp", "/m/{user}/mail"), "/m/alice/mail");
  EXPECT_EQ(folder_of("{domain}@example.jp"), "/m/example.jp/{domain}");
  EXPECT_EQ(folder_of("foo..bar.@docomo.ne.jp"), "/m/docomo.ne.jp/foo..bar.");
}

TEST(RelayMaildir, NamesThatLeadElsewhere) {
  for (const char* bad : {"../x@example.jp", "a/b@example.jp", ".hidden@example.jp", ".@example.jp",
                          "..@example.jp", "\"a/../../b\"@example.jp", "\"\"@example.jp"})
    EXPECT_EQ(folder_of(bad), "refused") << bad;
  EXPECT_EQ(maildir_of("/m/{user}", mail::Path(std::string("a\0b@x", 5)), "+").has_value(), false);
}

class RelayMaildirFiles : public testing::Test {
 protected:
  JobResult deliver(const std::vector<std::string>& recipients,
                    const std::string& content = test::short_message) const {
    return deliver_to_maildirs(test::job_for(nullptr, recipients, content),
                               folder_.file("{domain}/{user}"), "+");
  }
  std::vector<fs::path> files(const std::string& below) const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder_.file(below)))
      out.push_back(entry.path());
    return out;
  }
  static std::string text_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::TemporaryFolder folder_;
};

TEST_F(RelayMaildirFiles, AMessage) {
  const auto done = deliver({"alice+x@d.test", "bob@d.test"});
  for (const auto& result : done.results) EXPECT_EQ(result.code, Code::sent) << result.why;
  const auto found = files("d.test/alice/new");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(text_of(found[0]),
            "Return-Path: <sender@example.com>\nDelivered-To: alice+x@d.test\n"
            "Subject: x\n\n.dot\nend\n");
  struct stat status {};
  ASSERT_EQ(::stat(found[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0660U);
  EXPECT_TRUE(files("d.test/alice/tmp").empty());
  EXPECT_TRUE(fs::is_directory(folder_.file("d.test/alice/cur")));
  EXPECT_EQ(files("d.test/bob/new").size(), 1U);
}

TEST_F(RelayMaildirFiles, ManyHaveDifferentNames) {
  for (int i = 0; i < 50; ++i) deliver({"a@d.test"});
  EXPECT_EQ(files("d.test/a/new").size(), 50U);
}

TEST_F(RelayMaildirFiles, BareCarriageReturnsStay) {
  deliver({"a@d.test"}, "X: y\r\n\r\na\rb\r\r\nc\r\n");
  EXPECT_THAT(text_of(files("d.test/a/new").at(0)), testing::EndsWith("X: y\n\na\rb\r\nc\n"));
}

TEST_F(RelayMaildirFiles, AnAddressThatCannotBe) {
  const auto done = deliver({"a/b@d.test", "ok@d.test"});
  EXPECT_EQ(done.results[0].code, Code::failed);
  EXPECT_EQ(done.results[0].status, "5.1.3");
  EXPECT_EQ(done.results[1].code, Code::sent);
}

TEST_F(RelayMaildirFiles, ADiskThatFails) {
  const auto done =
      deliver_to_maildirs(test::job_for(nullptr, {"a@d.test"}), "/dev/null/{user}", "");
  EXPECT_EQ(done.results[0].code, Code::own_fault) << "it is not the sender's, so nothing bounces";
  EXPECT_EQ(done.results[0].fault, "maildir:/dev/null/{user}");
  EXPECT_EQ(done.results[0].status, "4.3.0");
  EXPECT_THAT(done.results[0].why, HasSubstr("/dev/null"));
}

TEST_F(RelayMaildirFiles, AMessageThatCannotBeRead) {
  auto job = test::job_for(nullptr, {"a@d.test"});
  job.open = []() -> Expected<std::unique_ptr<Content>, std::string> {
    return tl::unexpected<std::string>("Input/output error");
  };
  const auto done = deliver_to_maildirs(job, folder_.file("{domain}/{user}"), "+");
  EXPECT_EQ(done.results[0].code, Code::own_fault);
  EXPECT_EQ(done.results[0].fault, "queue:messages");
  EXPECT_EQ(done.results[0].why, "the message cannot be read: Input/output error");
}

// The IMAP server works in it as a member of the folder's group.
TEST_F(RelayMaildirFiles, FoldersAreTheGroupsToo) {
  const mode_t before = ::umask(0027);
  deliver({"a@d.test"});
  ::umask(before);
  struct stat status {};
  for (const char* folder : {"d.test/a", "d.test/a/new", "d.test/a/cur", "d.test/a/tmp"}) {
    ASSERT_EQ(::stat(folder_.file(folder).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0770U) << folder;
  }
}

// One that is full: nothing of the message is left behind.
TEST_F(RelayMaildirFiles, AFullDisk) {
  fs::create_directories(folder_.file("d.test/a/new"));
  fs::create_directories(folder_.file("d.test/a/cur"));
  fs::create_directories(folder_.file("d.test/a/tmp"));
  const rlimit small{1000, RLIM_INFINITY};
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto done = deliver({"a@d.test"}, std::string(100'000, 'x') + "\r\n");
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(done.results[0].code, Code::own_fault);
  EXPECT_TRUE(files("d.test/a/tmp").empty());
  EXPECT_TRUE(files("d.test/a/new").empty());
}

}  // namespace
}  // namespace sekisho::relay
