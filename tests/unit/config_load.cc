// Loading: fixture pairs NN-topic.toml and NN-topic.want in tests/data/config. A .want holds the
// findings, and the changed settings when there is no error.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "config/dump.h"
#include "config/load.h"
#include "config/problems.h"
#include "support/temporary_folder.h"

namespace sekisho::config {
namespace {

const std::string folder = SEKISHO_TEST_DATA "/config/";

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

// With names as they are from the folder of the fixtures.
std::string without_folder(std::string text) {
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
    text.erase(at, folder.size());
  }
  return text;
}

std::string lines(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) out += finding.text() + "\n";
  return out;
}

std::string outcome(const std::string& path) {
  const auto loaded = load_file(path);
  if (!loaded) return without_folder(lines(loaded.error()));
  return without_folder(lines(loaded->findings) + "---\n" +
                        dump(loaded->settings, {.only_changed = true}));
}

std::vector<std::string> cases() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".toml") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

class ConfigCase : public testing::TestWithParam<std::string> {};

TEST_P(ConfigCase, FindingsAndSettings) {
  EXPECT_EQ(outcome(folder + GetParam() + ".toml"), contents(folder + GetParam() + ".want"));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ConfigCase, testing::ValuesIn(cases()), [](const auto& each) {
  std::string name = each.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(ConfigLoad, DefaultsAreThoseOfTheMembers) {
  const auto loaded = load_text("", "empty");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(dump(loaded->settings), dump(Settings()));
  EXPECT_EQ(loaded->settings.session.trust.networks.texts(),
            (std::vector<std::string>{"127.0.0.0/8", "::1/128"}));
}

TEST(ConfigLoad, DumpLoadsAgainAsTheSameSettings) {
  const auto first = load_file(folder + "01-everything.toml");
  ASSERT_TRUE(first) << lines(first.error());
  for (const bool only_changed : {false, true}) {
    const std::string text = dump(first->settings, {.only_changed = only_changed});
    const auto second = load_text(text, "dump");
    ASSERT_TRUE(second) << lines(second.error()) << text;
    EXPECT_EQ(second->digest, first->digest) << text;
  }
}

TEST(ConfigLoad, ListsComeBackInTheirOrder) {
  const auto first = load_text(
      "[[dnswl]]\nlist = \"c.example\"\n[[rhsbl]]\nlist = \"b.example\"\n"
      "[[dnsbl]]\nlist = \"a.example\"\n[[dnsbl]]\nlist = \"d.example\"\n",
      "lists");
  ASSERT_TRUE(first) << lines(first.error());
  std::string names;
  for (const auto& list : first->settings.client.lists) names += list.name + " ";
  EXPECT_EQ(names, "a.example d.example b.example c.example ");
  for (const auto kind : all_values<client::DnsListKind>()) {
    for (const auto& entry : dns_lists_of(first->settings, kind)) {
      EXPECT_EQ(entry.definition.name, entry.rule.name);
      EXPECT_EQ(entry.definition.kind, kind);
      EXPECT_EQ(entry.rule.kind, kind);
    }
  }
  EXPECT_EQ(dns_lists_of(first->settings, client::DnsListKind::dnsbl).size(), 2U);
  const auto second = load_text(dump(first->settings), "dump");
  ASSERT_TRUE(second) << lines(second.error());
  EXPECT_EQ(second->digest, first->digest);
}

TEST(ConfigLoad, NamesTheFilesThatItRead) {
  const auto loaded = load_file(folder + "01-everything.toml");
  ASSERT_TRUE(loaded);
  std::vector<std::string> files;
  for (const std::string& file : loaded->files) files.push_back(without_folder(file));
  EXPECT_EQ(files, (std::vector<std::string>{"01-everything.toml", "parts/10-policy.toml",
                                             "parts/20-milter.toml", "lists/aliases",
                                             "lists/domains", "lists/overrides"}));
}

TEST(ConfigLoad, TheDigestTellsSettingsApartAndNotTheirText) {
  const auto plain = load_text("[dkim]\nmax_signatures = 7\n", "a");
  const auto commented = load_text("# seven\n[dkim]\nmax_signatures = 7 # more\n", "b");
  const auto other = load_text("[dkim]\nmax_signatures = 8\n", "a");
  ASSERT_TRUE(plain && commented && other);
  EXPECT_EQ(plain->digest.size(), 16U);
  EXPECT_EQ(plain->digest, commented->digest);
  EXPECT_NE(plain->digest, other->digest);
}

TEST(ConfigLoad, AFileThatCannotBeReadIsAnError) {
  struct Case {
    std::string path;
    std::string want;
  };
  const Case table[] = {
      {folder + "no-such.toml", "no-such.toml: error: No such file or directory"},
      {folder + "lists", "lists: error: not a regular file"},
      {"/dev/zero", "/dev/zero: error: not a regular file"},
  };
  for (const Case& each : table) {
    const auto loaded = load_file(each.path);
    ASSERT_FALSE(loaded) << each.path;
    ASSERT_EQ(loaded.error().size(), 1U);
    EXPECT_EQ(without_folder(loaded.error()[0].text()), each.want);
  }
}

TEST(ConfigLoad, TheControlSocketIsFoundBesideErrors) {
  const test::TemporaryFolder files;
  const auto socket_in = [&](const std::string& text) {
    std::ofstream(files.file("milter.conf")) << text;
    return control_socket(files.file("milter.conf"));
  };
  EXPECT_EQ(socket_in("[control]\nsocket = \"/a/b.sock\"\n").value(), "/a/b.sock");
  EXPECT_EQ(socket_in("[dmarc]\nrejekt = 1\n[control]\nsocket = \"/a/b.sock\"\n").value(),
            "/a/b.sock");
  EXPECT_EQ(socket_in("[dmarc]\n").value(), control::Options().socket);
  // It may stand in what could not be read: nobody reloads another daemon without a word.
  for (const char* text :
       {"[dmarc]\nrejekt = 1\n", "include = [\"none.conf\"]\n", "[control]\nsocket = 7\n",
        "[control]\nsocket = \"a.sock\"\n", "[control]\nsokket = \"/a/b.sock\"\n"}) {
    EXPECT_FALSE(socket_in(text)) << text;
  }
  const auto no_toml = socket_in("[control\n");
  ASSERT_FALSE(no_toml);
  EXPECT_EQ(no_toml.error().front().place.line, 1U);
  EXPECT_FALSE(control_socket(files.file("none.conf")));
}

TEST(ConfigLoad, NestingIsBounded) {
  std::string deep = "x = ";
  deep += std::string(200, '[') + std::string(200, ']') + "\n";
  const auto loaded = load_text(deep, "deep");
  ASSERT_FALSE(loaded);
  EXPECT_NE(lines(loaded.error()).find("nested too deeply"), std::string::npos);
}

TEST(ConfigLoad, NestingOfIncludesIsBounded) {
  std::string name = (std::filesystem::temp_directory_path() / "sekisho-config-XXXXXX").string();
  const std::filesystem::path chain = ::mkdtemp(name.data());
  const auto write = [&](int i) {
    std::ofstream(chain / std::to_string(i)) << "include = [\"" << i + 1 << "\"]\n";
  };
  for (int i = 0; i < 10; ++i) write(i);
  std::ofstream(chain / "10") << "";
  const auto deep = load_file((chain / "0").string());
  const auto shallow = load_file((chain / "3").string());
  std::filesystem::remove_all(chain);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().size(), 1U);
  EXPECT_NE(lines(deep.error()).find("/8:1:11: error: includes are nested more than 8 deep"),
            std::string::npos)
      << lines(deep.error());
  ASSERT_TRUE(shallow) << lines(shallow.error());
  EXPECT_EQ(shallow->files.size(), 8U);
}

TEST(ConfigLoad, TheDaemonNeedsAMilterAndACheckDoesNot) {
  const auto loaded = load_text("[dkim]\nmax_signatures = 7\n", "a.conf");
  ASSERT_TRUE(loaded);
  const auto found = problems(*loaded, "a.conf", false);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Finding::Level::error);
  EXPECT_EQ(found[0].text().rfind("a.conf: error: no [[milter]]", 0), 0U);
}

TEST(ConfigMetrics, WhereItMayListen) {
  const std::pair<std::string, std::string> table[] = {
      {"", ""},
      {"127.0.0.1:9464", ""},
      {"[::1]:9464", ""},
      {"192.0.2.1:9464", "a.conf:2:1: warning: metrics have no password"},
      {"[::]:9464", "a.conf:2:1: warning: metrics have no password"},
      {"127.0.0.1:0", "the port must be from 1 to 65535"},
      {"127.0.0.1", "write ADDRESS:PORT"},
      {":9464", "write ADDRESS:PORT"},
      {"localhost:9464", "write ADDRESS:PORT"},
      {"::1:9464", "write ADDRESS:PORT"},
  };
  for (const auto& [listen, want] : table) {
    const auto loaded = load_text("[metrics]\nlisten = \"" + listen + "\"\n", "a.conf");
    const std::string said = lines(loaded ? loaded->findings : loaded.error());
    EXPECT_EQ(said.empty(), want.empty()) << said;
    EXPECT_NE(said.find(want), std::string::npos) << said;
    if (loaded) {
      EXPECT_EQ(loaded->settings.metrics.listen, listen);
    }
  }
}

}  // namespace
}  // namespace sekisho::config
