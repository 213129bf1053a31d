// What a reload takes of each key: the whole table is walked, with a value for each key that is not
// its default.
#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/dump.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/reload.h"
#include "support/temporary_folder.h"

namespace sekisho::config {
namespace {

using Strings = std::vector<std::string>;

// Values of all types. A key that takes none of them needs one more here.
const Strings values{"true",
                     "false",
                     "7",
                     "2048",
                     R"("3h")",
                     R"("9s")",
                     R"("512M")",
                     R"("500ms")",
                     R"("0666")",
                     R"("/a/b")",
                     R"("other")",
                     R"("mx7.example.jp")",
                     R"("unix:/run/other.sock")",
                     R"("192.0.2.1:9464")",
                     R"("smtp:192.0.2.1:25")",
                     R"("file:/a/log")",
                     R"("list.example=127.0.0.9")",
                     R"(["192.0.2.1"])",
                     R"(["a.example"])",
                     R"(["a@b.example"])",
                     R"(["from"])",
                     R"(["rhsbl"])",
                     R"([{domain = "b.example", reject = "tag"}])",
                     R"("a@b.example")",
                     R"("192.0.2.1")",
                     R"("2001:db8::1")",
                     R"("-")",
                     R"(["1s"])",
                     R"(["192.0.2.1:9464"])",
                     R"("smtp:[192.0.2.1]:26")",
                     R"({connections = 7})",
                     R"({helo = "mx7.example.jp"})",
                     R"([{certificate = "/a/c", key = "/a/k"}])"};

// What a key needs beside it, and cannot be without.
const std::map<std::string, std::string> beside{
    {"tls.certificate", "key = \"/k\"\n"},
    {"tls.key", "certificate = \"/c\"\n"},
    {"tls.names", "certificate = \"/c\"\nkey = \"/k\"\n"},
    {"route.login", "password_file = \"/p\"\n"},
    {"route.password_file", "login = \"us\"\n"},
    {"route.token_file", "login = \"us\"\n"}};

// What it needs in another section.
const std::map<std::string, std::string> elsewhere{
    {"listener.profile", "[tls]\ncertificate = \"/c\"\nkey = \"/k\"\n"}};

// A way that needs nothing more, unlike the sample.
std::string sample_of(const KeyRow& row) {
  return row.path() == "route.via" ? R"("smtp:[relay.example]")" : std::string(row.sample);
}

// An entry is not right without what is required in it.
std::string document(const KeyRow& row, const std::string& value) {
  const Section& section = *find_section(row.section);
  const std::string name(section.name);
  const auto other_section = elsewhere.find(row.path());
  std::string out = other_section == elsewhere.end() ? "" : other_section->second;
  out += section.repeated ? "[[" + name + "]]\n" : "[" + name + "]\n";
  for (const KeyRow& other : section.keys) {
    const bool of_list = other.name == "name" || (other.name == "list" && row.name != "list_file");
    const bool needed = other.required || (section.repeated && of_list);
    if (needed && other.name != row.name) {
      out += std::string(other.name) + " = " + sample_of(other) + "\n";
    }
  }
  if (const auto more = beside.find(row.path()); more != beside.end()) out += more->second;
  if (value.empty()) return out;
  return out + std::string(row.name) + " = " + value + "\n";
}

// The key's value as TOML, of the only entry in a [[section]].
std::string shown(const KeyRow& row, const Settings& settings) {
  if (row.slot) return row.slot.show(settings);
  const auto entries = find_section(row.section)->repeated->all(settings);
  return entries.size() == 1 ? row.entry.show(entries.front()) : "";
}

// Settings in which nothing but the key, and what its entry needs, has another value.
std::optional<Settings> changed(const KeyRow& row) {
  const test::TemporaryFolder folder;
  std::ofstream(folder.file("zone")) << "list.example\n";
  const std::string usual = row.required ? sample_of(row) : row.default_value();
  Strings candidates(values);
  candidates.push_back(toml_text(folder.file("zone")));
  for (const std::string& word : row.slot ? row.slot.words : row.entry.words) {
    candidates.push_back(toml_text(word));
  }
  for (const std::string& value : candidates) {
    auto loaded = load_text(document(row, value), "changed");
    if (loaded && shown(row, loaded->settings) != usual) {
      return std::move(loaded->settings);
    }
  }
  return std::nullopt;
}

// Whether the entries of a section are known again by some of its keys.
bool is_mixed(const Section& section) {
  std::set<Reload> kinds;
  for (const KeyRow& row : section.keys) kinds.insert(row.reload);
  return section.repeated && kinds.size() > 1;
}

// What runs before the key changes: an entry that is known again must be there.
Settings before(const KeyRow& row) {
  if (!is_mixed(*find_section(row.section))) return {};
  const auto loaded = load_text(document(row, row.required ? sample_of(row) : ""), "before");
  EXPECT_TRUE(loaded) << row.path();
  return loaded ? loaded->settings : Settings();
}

class ConfigReloadOf : public testing::TestWithParam<std::string> {};

TEST_P(ConfigReloadOf, TakesOrKeepsWhatTheTableSays) {
  const KeyRow& row = *find_key(GetParam());
  const Settings running = before(row);
  const auto other = changed(row);
  ASSERT_TRUE(other) << "none of the values of this test is one of the key";
  const Settings& loaded = *other;
  const Settings now = keep_until_restart(running, loaded);
  EXPECT_EQ(reload_needs_restart(running, now), Strings{});
  switch (row.reload) {
    case Reload::live:
      EXPECT_EQ(reload_needs_restart(running, loaded), Strings{});
      EXPECT_EQ(dump(now), dump(loaded));
      break;
    case Reload::restart:
      EXPECT_EQ(reload_needs_restart(running, loaded),
                Strings{row.slot ? row.path() : std::string(row.section)});
      EXPECT_EQ(dump(now), dump(running));
      break;
  }
}

Strings all_paths() {
  Strings out;
  for (const KeyRow& row : keys()) {
    if (!row.section.empty()) out.push_back(row.path());
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Keys, ConfigReloadOf, testing::ValuesIn(all_paths()),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

// All others are taken or kept as a whole.
TEST(ConfigReload, OnlyListenersAreKnownAgain) {
  for (const Section& section : sections()) {
    EXPECT_EQ(is_mixed(section), section.name == "listener") << section.name;
  }
}

// An entry of [[policy]] would not keep it.
TEST(ConfigReload, RulesAreLive) {
  for (const KeyRow& row : keys()) {
    EXPECT_TRUE(!row.rule || row.reload == Reload::live) << row.path();
  }
}

TEST(ConfigReload, EntriesAreKeptInTheirOrder) {
  const auto running = load_text(
      "[[milter]]\nsocket = \"unix:/run/b.sock\"\nrole = \"submission\"\n"
      "[[milter]]\nsocket = \"unix:/run/a.sock\"\n",
      "a");
  const auto loaded = load_text("[[milter]]\nsocket = \"unix:/run/a.sock\"\n", "b");
  ASSERT_TRUE(running && loaded);
  EXPECT_EQ(reload_needs_restart(running->settings, loaded->settings), Strings{"milter"});
  EXPECT_EQ(dump(keep_until_restart(running->settings, loaded->settings)), dump(running->settings));
}

TEST(ConfigReload, NamesTheKeysThatNeedARestartAndKeepsThem) {
  const auto running = load_text(
      "[[milter]]\nsocket = \"unix:/run/a.sock\"\n[process]\nuser = \"a\"\n[spf]\nfail = \"tag\"\n",
      "a");
  const auto loaded = load_text(
      "[[milter]]\nsocket = \"unix:/run/b.sock\"\n[process]\nuser = \"b\"\n[control]\ngroup = "
      "\"g\"\n"
      "[metrics]\nlisten = \"127.0.0.1:1\"\n[spf]\nfail = \"reject\"\n",
      "b");
  ASSERT_TRUE(running && loaded);
  EXPECT_EQ(reload_needs_restart(running->settings, running->settings), std::vector<std::string>{});
  EXPECT_EQ(
      reload_needs_restart(running->settings, loaded->settings),
      (std::vector<std::string>{"control.group", "metrics.listen", "process.user", "milter"}));
  const Settings kept = keep_until_restart(running->settings, loaded->settings);
  EXPECT_EQ(reload_needs_restart(running->settings, kept), std::vector<std::string>{});
  EXPECT_EQ(kept.rules.defaults.spf.fail, policy::OnSpfFail::reject);
}

}  // namespace
}  // namespace sekisho::config
