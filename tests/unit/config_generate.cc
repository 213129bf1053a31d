// The texts made from the table of keys, and the table itself.
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "config/dump.h"
#include "config/generate.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/problems.h"
#include "config/suggest.h"
#include "config/values.h"

namespace sekisho::config {
namespace {

std::string lines(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) out += finding.text() + "\n";
  return out;
}

// The sample with every key that is commented out made live: comments have a blank after their #.
std::string all_live(const std::string& sample) {
  std::istringstream in(sample);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const bool commented_key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += (commented_key ? line.substr(1) : line) + "\n";
  }
  return out;
}

TEST(ConfigExample, LoadsWithoutAFindingAndChangesNothingButItsMilter) {
  const auto loaded = load_text(example(), "milter.conf.example");
  ASSERT_TRUE(loaded) << lines(loaded.error());
  EXPECT_EQ(lines(loaded->findings), "");
  // Where there is no Postfix there is no group of that name; everything else is there.
  EXPECT_EQ(lines(problems(*loaded, "", false)).find("no [[milter]]"), std::string::npos);
  EXPECT_EQ(dump(loaded->settings, {.only_changed = true}),
            "[[milter]]\nsocket = \"unix:/var/spool/postfix/sekisho/mx.sock\"\n"
            "socket_group = \"postfix\"\n");
}

TEST(ConfigExample, EveryValueThatItShowsIsAllowed) {
  const auto loaded = load_text(all_live(example()), "milter.conf.example");
  ASSERT_TRUE(loaded) << lines(loaded.error());
  EXPECT_EQ(loaded->settings.rules.policies.size(), 1U);
  EXPECT_EQ(loaded->settings.rules.overrides.size(), 1U);
}

TEST(ConfigKeys, EachStandsOnceInASectionThatExistsAndHasAText) {
  std::set<std::string> seen;
  for (const KeyRow& row : keys()) {
    EXPECT_TRUE(seen.insert(row.path()).second) << row.path();
    EXPECT_TRUE(row.section.empty() || find_section(row.section) != nullptr) << row.path();
    EXPECT_FALSE(row.expects().empty()) << row.path();
    EXPECT_TRUE(row.text.ends_with(".")) << row.path();
    EXPECT_EQ(bool(row.rule), !row.in_policy.empty()) << row.path();
    EXPECT_NE(bool(row.slot), bool(row.entry)) << row.path();
    EXPECT_FALSE(row.rule && !row.slot) << row.path();
  }
}

TEST(ConfigKeys, EachStandsInTheExampleAndInTheManual) {
  const std::string sample = example();
  const std::string manual = man_key_section();
  for (const KeyRow& row : keys()) {
    EXPECT_NE(sample.find(std::string(row.name) + " = "), std::string::npos) << row.path();
    EXPECT_NE(manual.find(".It Va " + std::string(row.name) + "\n"), std::string::npos)
        << row.path();
  }
}

// Every default must lie within its own bounds.
TEST(ConfigKeys, DefaultsMayBeWrittenOut) {
  const auto loaded = load_text(dump(Settings()), "defaults");
  ASSERT_TRUE(loaded) << lines(loaded.error());
  EXPECT_EQ(dump(loaded->settings), dump(Settings()));
}

struct DurationCase {
  std::string text;
  long long milliseconds;  // -1: an error
};

TEST(ConfigValues, Durations) {
  const DurationCase table[] = {
      {"0s", 0},
      {"500ms", 500},
      {"5s", 5000},
      {"90s", 90'000},
      {"4h", 14'400'000},
      {"30d", 2'592'000'000},
      {"", -1},
      {"5", -1},
      {"s", -1},
      {"-5s", -1},
      {"+5s", -1},
      {"5 s", -1},
      {"5S", -1},
      {"1h30m", -1},
      {"9999999999999999999s", -1},
      {"36501d", -1},
      {"3300000000ms", -1},
  };
  for (const DurationCase& each : table) {
    const auto parsed = parse_duration(each.text);
    EXPECT_EQ(parsed ? parsed->count() : -1, each.milliseconds) << each.text;
  }
  EXPECT_EQ(show_duration(std::chrono::seconds(90)), "90s");
  EXPECT_EQ(show_duration(std::chrono::seconds(120)), "2m");
  EXPECT_EQ(show_duration(std::chrono::milliseconds(0)), "0s");
}

TEST(ConfigSuggest, EditDistance) {
  struct Case {
    std::string a, b;
    std::size_t distance;
  };
  const Case table[] = {{"", "abc", 3},           {"abc", "abc", 0}, {"fial", "fail", 1},
                        {"kitten", "sitting", 3}, {"ab", "ba", 1},   {"reject", "rejct", 1}};
  for (const Case& each : table) {
    EXPECT_EQ(edit_distance(each.a, each.b), each.distance) << each.a << " " << each.b;
    EXPECT_EQ(edit_distance(each.b, each.a), each.distance) << each.a << " " << each.b;
  }
  EXPECT_EQ(nearest("REJCT", {"tag", "reject"}), "reject");
  EXPECT_EQ(nearest("colour", {"tag", "reject"}), "");
}

}  // namespace
}  // namespace sekisho::config
