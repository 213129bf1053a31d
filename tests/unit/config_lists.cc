// Lists whose zone holds an access key: the file it comes from, and that nothing ever tells it.
#include <sys/stat.h>

#include <fstream>

#include <gtest/gtest.h>

#include "config/dump.h"
#include "config/load.h"
#include "support/temporary_folder.h"

namespace sekisho::config {
namespace {

const std::string key = "canary0123456789abcdef";

struct KeyFile {
  explicit KeyFile(const std::string& contents, unsigned mode = 0640) {
    std::ofstream(folder.file("zen.list")) << contents;
    ::chmod(folder.file("zen.list").c_str(), mode);
  }
  test::TemporaryFolder folder;
};

// All that is said about a configuration: findings, else warnings and both dumps.
std::string told(const std::string& toml, const KeyFile& file) {
  const auto loaded = load_text(toml, file.folder.file("milter.conf"));
  std::string out;
  if (!loaded) {
    for (const Finding& finding : loaded.error()) out += finding.text() + "\n";
    return out;
  }
  for (const Finding& finding : loaded->findings) out += finding.text() + "\n";
  return out + dump(loaded->settings) + dump(loaded->settings, {.only_changed = true}) +
         loaded->digest;
}

TEST(ConfigListFile, HoldsTheListOnALineOfItsOwn) {
  const KeyFile file("# of the operator\n\n  " + key + ".zen.dq.example=127.0.0.[2..11]  # DQS\n");
  const std::string toml = "[[dnsbl]]\nname = \"zen\"\nlist_file = \"zen.list\"\n";
  const auto loaded = load_text(toml, file.folder.file("milter.conf"));
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->findings.empty()) << loaded->findings[0].text();
  ASSERT_EQ(loaded->settings.client.lists.size(), 1U);
  const auto& list = loaded->settings.client.lists[0];
  EXPECT_EQ(list.list.zone, key + ".zen.dq.example");
  EXPECT_EQ(list.list.codes.text(), "127.0.0.[2..11]");
  EXPECT_EQ(list.name, "zen");
  // The dump names the file, and loads again as the same.
  const std::string text = dump(loaded->settings, {.only_changed = true});
  EXPECT_EQ(text,
            "[[dnsbl]]\nname = \"zen\"\nlist_file = \"" + file.folder.file("zen.list") + "\"\n");
  const auto again = load_text(text, "dump");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->digest, loaded->digest);
}

TEST(ConfigListFile, AnotherKeyIsAnotherConfiguration) {
  const std::string toml = "[[dnsbl]]\nname = \"zen\"\nlist_file = \"zen.list\"\n";
  const KeyFile one(key + ".zen.dq.example\n");
  const auto first = load_text(toml, one.folder.file("milter.conf"));
  std::ofstream(one.folder.file("zen.list")) << "x" + key + ".zen.dq.example\n";
  const auto second = load_text(toml, one.folder.file("milter.conf"));
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->digest, second->digest);
}

struct Wrong {
  const char* contents;
  unsigned mode;
  const char* keys;  // besides the section
  const char* says;
};

TEST(ConfigListFile, WhatIsWrongWithIt) {
  const Wrong table[] = {
      {"", 0640, "name = \"zen\"\nlist_file = \"zen.list\"", "must hold one line: the list"},
      {"a.example\nb.example\n", 0640, "name = \"zen\"\nlist_file = \"zen.list\"",
       "must hold one line: the list"},
      {"KEY.example=127.0.0\n", 0640, "name = \"zen\"\nlist_file = \"zen.list\"",
       "zen.list:1:1: error: dnsbl[1].list_file: four octets are expected"},
      {"KEY .example\n", 0640, "name = \"zen\"\nlist_file = \"zen.list\"",
       "zen.list:1:1: error: dnsbl[1].list_file: not the zone of a list"},
      {"KEY.example\n", 0640, "list_file = \"zen.list\"", "dnsbl[1] needs a name"},
      {"KEY.example\n", 0640, "name = \"zen\"\nlist = \"a.example\"\nlist_file = \"zen.list\"",
       "there is a list and a list_file: remove one of them"},
      {"KEY.example\n", 0644, "name = \"zen\"\nlist_file = \"zen.list\"",
       "warning: dnsbl[1].list_file: every local user may read"},
      {"KEY.example\n", 0640, "name = \"zen\"\nlist_file = \"no-such\"", "No such file"},
      {"KEY.example\n", 0640, "name = \"zen\"\nlist_file = \".\"", "not a regular file"},
      // A key that stands in the configuration itself.
      {"", 0640, "list = \"KEY.example\"", "needs a name: its zone seems to hold an access key"},
      {"", 0640, "name = \"zen\"\nlist = \"KEY.example\"",
       "move the line into a file of mode 0640"},
      {"", 0640, "name = \"zen\"\nlist = \"KEY.example=127.0.0.[\"", "a number from 0 to 255"},
      {"", 0640, "name = \"zen\"\nlist = [\"KEY.example\"]", "must be a string, not a list"},
      {"", 0640, "name = \"zen\"\nlist = \"KEY..example\"", "not the zone of a list"},
      // In a wrong place.
      {"", 0640, "name = \"zen\"\nlist_file = \"KEY.zen.dq.example\"", "is not repeated"},
      {"", 0640, "name = \"zen\"\nlist_file = \"KEY.example=127.0.0.2\"", "is not repeated"},
      {"", 0640, "name = \"KEY.example=127.0.0.2\"\nlist = \"a.example\"", "a name has letters"},
      {"", 0640, "name = \"zen\"\nlist = \"a.example\"\naction = \"KEY.example\"",
       "must be one of"},
      {"", 0640, "name = \"zen\"\nlist = \"a.example\"\nKEY = \"a.example\"", "unknown key"},
      {"", 0640, "name = \"zen\"\nlist = KEY.example", "error: "},
      {"", 0640, "name = \"zen\"\nlist = \"a.example\"\nKEY = 1\nKEY = 2", "is given twice"},
      {"KEY.example=127.0.0.2\n", 0640,
       "name = \"zen\"\nlist = \"a.example\"\n[identity]\ndomains = \"file:zen.list\"",
       "zen.list:1:1: error: identity.domains"},
      {"KEY.example\n", 0640,
       "name = \"zen\"\nlist = \"a.example\"\n[dmarc]\noverrides = \"file:zen.list\"",
       "zen.list:1:1: error: dmarc.overrides"},
      {"KEY.example\n", 0640,
       "name = \"zen\"\nlist = \"a.example\"\n[trust]\nnetworks = \"file:zen.list\"",
       "zen.list:1:1: error: trust.networks"},
      {"", 0640, "name = \"zen\"\nlist = \"a.example\"\n[identity]\ndomains = \"file:KEY\"",
       "No such"},
  };
  for (const Wrong& each : table) {
    const auto with_key = [](std::string text) {
      for (auto at = text.find("KEY"); at != std::string::npos; at = text.find("KEY", at)) {
        text.replace(at, 3, key);
      }
      return text;
    };
    const KeyFile file(with_key(each.contents), each.mode);
    const std::string said = told("[[dnsbl]]\n" + with_key(each.keys) + "\n", file);
    EXPECT_NE(said.find(each.says), std::string::npos) << each.keys << "\n" << said;
    EXPECT_EQ(said.find(key), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace sekisho::config
