// What the daemon's user will meet on this host, as seen by whoever may do everything.
#include "config/reach.h"

#include <grp.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace sekisho::config {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// "nobody" stands for the daemon's user: it exists on every host, and owns nothing.
class Reach : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can test this";
    // The folder is its owner's alone; what is below it is what a test is about.
    EXPECT_EQ(::chmod(folder_.file(".").c_str(), 0755), 0);
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::string folder(const std::string& name, mode_t mode) const {
    fs::create_directory(path(name));
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }
  std::string file(const std::string& name, mode_t mode) const {
    std::ofstream(path(name)) << "";
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }
  // Of a configuration in which everything else is well.
  std::vector<std::string> found(const std::string& more, mode_t mode = 0644) const {
    const std::string name = path("conf");
    std::string text = "[process]\nuser = \"nobody\"\n[identity]\nseal_file = \"\"\n";
    if (more.find("[control]") == std::string::npos)
      text += "[control]\nsocket = \"" + folder("open", 0777) + "/control\"\n";
    if (more.find("[history]") == std::string::npos) text += "[history]\ndir = \"\"\n";
    std::ofstream(name) << text + more;
    EXPECT_EQ(::chmod(name.c_str(), mode), 0);
    const auto loaded = load_file(name);
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().front().text());
    if (!loaded) return {};
    std::vector<Finding> findings;
    find_unreachable(*loaded, name, true, findings);
    std::vector<std::string> out;
    for (const auto& finding : findings)
      out.push_back((finding.level == Finding::Level::error ? "error: " : "warning: ") +
                    finding.message);
    return out;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Reach, NothingIsWrong) {
  EXPECT_THAT(found("[[milter]]\nsocket = \"unix:" + folder("mx", 0777) + "/mx.sock\"\n"),
              IsEmpty());
}

TEST_F(Reach, ASocketsFolderIsMissing) {
  EXPECT_THAT(found("[[milter]]\nsocket = \"unix:" + path("none/mx.sock") + "\"\n"),
              ElementsAre(HasSubstr("error: milter[1].socket: the folder " + path("none") +
                                    " is missing: install -d -o nobody -g ")));
  EXPECT_THAT(found("[control]\nsocket = \"" + path("none/c.sock") + "\"\n"),
              ElementsAre(HasSubstr("error: control.socket: the folder ")));
  EXPECT_THAT(found("[[milter]]\nsocket = \"unix:" + folder("roots", 0755) + "/mx.sock\"\n"),
              ElementsAre(HasSubstr(
                  "warning: milter[1].socket: the user nobody may not make a socket in ")));
}

TEST_F(Reach, AGroupThatTheUserCannotGive) {
  const auto socket = [&](const std::string& name) {
    return "[[milter]]\nsocket = \"unix:" + path(name + "/mx.sock") +
           "\"\nsocket_group = \"mail\"\n";
  };
  folder("plain", 0777);
  EXPECT_THAT(found(socket("plain")),
              ElementsAre(HasSubstr("socket_group: the user nobody is not in the group mail")));
  // By the setgid bit, as the documents say.
  folder("setgid", 0777);
  const ::group* mail = ::getgrnam("mail");
  ASSERT_NE(mail, nullptr);
  EXPECT_EQ(::chown(path("setgid").c_str(), 0, mail->gr_gid), 0);
  EXPECT_EQ(::chmod(path("setgid").c_str(), 02777), 0);
  EXPECT_THAT(found(socket("setgid")), IsEmpty());
}

TEST_F(Reach, WhereItWrites) {
  const auto store = [&](const std::string& dir) {
    return "[quarantine]\nwhere = \"store\"\ndir = \"" + dir + "\"\n";
  };
  EXPECT_THAT(
      found(store(path("none/quarantine"))),
      ElementsAre(HasSubstr("error: quarantine.dir: the folder " + path("none") + " is missing")));
  EXPECT_THAT(found(store(folder("roots", 0755) + "/quarantine")),
              ElementsAre(HasSubstr("may not write to " + path("roots") + ": chown nobody ")));
  EXPECT_THAT(found(store(path("roots"))), ElementsAre(HasSubstr("error: quarantine.dir: ")));
  EXPECT_THAT(found(store(folder("writable", 0777) + "/quarantine")), IsEmpty());
  EXPECT_THAT(found("[quarantine]\ndir = \"" + path("none/q") + "\"\n"), IsEmpty()) << "not in use";
  EXPECT_THAT(found("[history]\ndir = \"" + path("none/history") + "\"\n"),
              ElementsAre(HasSubstr("warning: history.dir: ")))
      << "mail goes on without it";
  const auto log = [&](const std::string& file) {
    return "[log]\ntarget = \"file:" + file + "\"\n";
  };
  EXPECT_THAT(found(log(path("none/log"))),
              ElementsAre(HasSubstr("error: log.target: the folder ")));
  EXPECT_THAT(found(log(file("log", 0644))),
              ElementsAre(HasSubstr("error: log.target: the user nobody may not write")));
  EXPECT_THAT(found(log(path("writable/log"))), IsEmpty());
  EXPECT_THAT(found(store(folder("closed", 0700) + "/a/quarantine")),
              ElementsAre(HasSubstr("is missing")));
  folder("closed/deep", 0777);
  EXPECT_THAT(found(store(path("closed/deep/quarantine"))),
              ElementsAre(HasSubstr("may not enter " + path("closed"))));
}

TEST_F(Reach, WhatItReads) {
  const std::string may_not = "the user nobody may not read ";
  EXPECT_THAT(found("", 0600), ElementsAre(HasSubstr("error: the configuration: " + may_not)));
  EXPECT_THAT(found("[allowlist]\nfiles = [\"" + file("allow", 0600) + "\"]\n"),
              ElementsAre(HasSubstr("error: allowlist.files: " + may_not)));
  EXPECT_THAT(found("[denylist]\nfiles = [\"" + path("allow") + "\"]\n"),
              ElementsAre(HasSubstr("error: denylist.files: " + may_not)));
  EXPECT_THAT(found("[dns]\nzone_file = \"" + file("zone", 0600) + "\"\n"),
              ElementsAre(HasSubstr("error: dns.zone_file: " + may_not)));
  std::ofstream(path("key")) << "canary0123456789abcdef.zen.example\n";
  EXPECT_EQ(::chmod(path("key").c_str(), 0600), 0);
  const auto listed = found("[[dnsbl]]\nname = \"zen\"\nlist_file = \"" + path("key") + "\"\n");
  EXPECT_THAT(listed, ElementsAre(HasSubstr("error: the list zen: " + may_not)));
  EXPECT_THAT(listed.front(), Not(HasSubstr("canary")));
}

TEST_F(Reach, WhatTheSmtpCoreReadsAndWrites) {
  const auto site = [&](const std::string& queue, const std::string& more) {
    return "[[listener]]\nprofile = \"mx\"\naddress = [\"127.0.0.1:2525\"]\n[queue]\ndir = \"" +
           queue + "\"\ndrop = \"" + folder("writable", 0777) + "/drop\"\n" + more;
  };
  const std::string queue = folder("writable", 0777) + "/queue";
  EXPECT_THAT(found(site(queue, "")), Not(Contains(HasSubstr("error: "))));
  EXPECT_THAT(found(site(folder("roots", 0755) + "/queue", "")),
              Contains(HasSubstr("error: queue.dir: the user nobody may not write")));
  EXPECT_THAT(found(site(queue, "[aliases]\nfiles = [\"" + file("aliases", 0600) + "\"]\n")),
              Contains(HasSubstr("error: aliases.files: the user nobody may not read")));
  const std::string route =
      "[[route]]\ndomain = [\"example.com\"]\nvia = \"discard\"\nrecipients = \"file:";
  EXPECT_THAT(found(site(queue, route + file("list", 0600) + "\"\n")),
              Contains(HasSubstr("error: route[1].recipients: the user nobody may not read")));
}

TEST_F(Reach, AQueueThatIsGoneAfterARestart) {
  struct statfs status {};
  if (::statfs("/dev/shm", &status) != 0 || status.f_type != TMPFS_MAGIC)
    GTEST_SKIP() << "this host has no tmpfs at /dev/shm";
  EXPECT_THAT(found("[[listener]]\nprofile = \"mx\"\naddress = [\"127.0.0.1:2525\"]\n"
                    "[queue]\ndir = \"/dev/shm/sekisho/queue\"\n"),
              Contains(HasSubstr("warning: queue.dir: /dev/shm/sekisho/queue is on a tmpfs")));
}

}  // namespace
}  // namespace sekisho::config
