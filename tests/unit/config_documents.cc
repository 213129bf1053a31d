// The first steps as the documents tell them: the example, Postfix's page, sendmail's page, README,
// manual and unit name the same sockets and folders, so that whoever does literally what they say
// has mail that flows.
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "support/fake_dns.h"

namespace sekisho::config {
namespace {

std::string text_of(const std::string& name) {
  return test::read_file(std::string(SEKISHO_TEST_DATA) + "/../../" + name);
}

// What the first match of `pattern` has in its parentheses.
std::string first(const std::string& name, const std::string& pattern) {
  const auto text = text_of(name);
  std::smatch found;
  EXPECT_TRUE(std::regex_search(text, found, std::regex(pattern))) << name << ": " << pattern;
  return found.empty() ? "" : std::string(found[1]);
}

TEST(Documents, NameOneSocketForPostfix) {
  const auto example = first("milter.conf.example", "\nsocket = \"unix:([^\"]*)\"");
  const std::string chroot = "/var/spool/postfix/";
  ASSERT_EQ(example.rfind(chroot, 0), 0U) << example;
  const auto inside = "unix:" + example.substr(chroot.size());
  EXPECT_EQ(first("docs/postfix.md", "\nsocket = \"unix:([^\"]*)\""), example);
  EXPECT_EQ(first("docs/postfix.md", "\nsmtpd_milters = (\\S+)"), inside);
  EXPECT_EQ(first("man/sekishod.8", "\nsmtpd_milters = (\\S+)"), inside);
  EXPECT_EQ(first("README.md", "'smtpd_milters = (\\S+)'"), inside);

  // Who may connect: the folder belongs to us, and gives the socket to the group of the MTA.
  const auto folder = example.substr(0, example.rfind('/'));
  EXPECT_EQ(first("systemd/sekisho.tmpfiles.conf", "\nd (\\S+) 2750 sekisho postfix -"), folder);
  EXPECT_EQ(first("docs/postfix.md", "install -d -o sekisho -g postfix -m 2750 (\\S+)"), folder);
  EXPECT_EQ(first("milter.conf.example", "\nsocket_group = \"([^\"]*)\""), "postfix");
  EXPECT_EQ(first("systemd/sekishod.service", "\nReadWritePaths=-(\\S+)"), folder);
  const auto loaded = load_text(text_of("milter.conf.example"), "milter.conf.example");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.milters.front().socket_mode & 0060U, 0060U);
}

TEST(Documents, NameOneSocketForSendmail) {
  const auto socket = first("docs/sendmail.md", "\nsocket = \"unix:([^\"]*)\"");
  EXPECT_EQ(first("docs/sendmail.md", "INPUT_MAIL_FILTER\\(`sekisho', `S=unix:([^,]*),"), socket);
  EXPECT_EQ(first("man/sekishod.8", "INPUT_MAIL_FILTER\\(`sekisho', `S=unix:([^,]*),"), socket);
  EXPECT_EQ(first("README.md", "`socket\\s=\\s\"unix:(/run/[^\"]*)\"`"), socket);
  // sendmail trusts no folder that a group may write.
  const auto folder = socket.substr(0, socket.rfind('/'));
  EXPECT_EQ("/run/" + first("systemd/sekishod.service", "\nRuntimeDirectory=(\\S+)"), folder);
  EXPECT_EQ(first("systemd/sekishod.service", "\nRuntimeDirectoryMode=(\\S+)"), "0755");
}

// The two pages call the doors of a role by the same name.
TEST(Documents, CallTheSocketsOfARoleAlike) {
  const std::regex entry("socket = \"unix:\\S*/([a-z]+)\\.sock\"\\nrole = \"([a-z]+)\"");
  std::size_t entries = 0;
  for (const char* name : {"docs/postfix.md", "docs/sendmail.md"}) {
    const auto text = text_of(name);
    for (std::sregex_iterator at(text.begin(), text.end(), entry), end; at != end; ++at) {
      EXPECT_EQ((*at)[1], (*at)[2]) << name;
      ++entries;
    }
  }
  EXPECT_GE(entries, 6U);
}

// The words with which the README begins to watch are keys that do so.
TEST(Documents, TheReadmeBeginsByWatching) {
  const auto key = first("README.md", "`(monitor\\s=\\strue)`\\sinto\\sits\\ssection");
  const auto section = first("README.md", "into\\sits\\ssection\\s`(\\[[a-z_]+\\])`");
  const auto loaded = load_text(section + "\n" + key + "\n", "begin.conf");
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->settings.rules.defaults.monitor);
}

}  // namespace
}  // namespace sekisho::config
