// An empty value is a value, for every option of every verb: `--mail-from="$SENDER"` of a script
// whose variable is empty must not take the word behind it.
#include <fstream>

#include <gtest/gtest.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/words.h"
#include "support/command_run.h"

namespace sekisho::cli {
namespace {

struct Named {
  std::vector<std::string> verb;  // "quarantine", "list"
  std::string option;             // "--since"
};

// Every option of every verb that takes a value.
void collect(CLI::App& app, const std::vector<std::string>& words, std::vector<Named>& out) {
  for (const auto* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) continue;
    for (const auto& name : option->get_lnames()) out.push_back({words, "--" + name});
  }
  for (auto* below : app.get_subcommands([](const CLI::App*) { return true; })) {
    auto deeper = words;
    if (!below->get_name().empty()) deeper.push_back(below->get_name());
    collect(*below, deeper, out);
  }
}

TEST(CommandLine, AnEmptyValueIsAValueForEveryOptionOfEveryVerb) {
  int result = 0;
  std::vector<Named> all;
  {
    CLI::App app;
    add_commands(app, result);
    collect(app, {}, all);
  }
  EXPECT_GT(all.size(), 60U);
  for (const auto& [verb, option] : all) {
    SCOPED_TRACE(verb.front() + " … " + option);
    CLI::App app;
    add_commands(app, result);
    CLI::App* at = &app;
    for (const auto& word : verb) at = at->get_subcommand(word);
    at->callback([] {});
    std::vector<std::string> line = {"sekisho"};
    line.insert(line.end(), verb.begin(), verb.end());
    line.insert(line.end(), {option + "=", "BEHIND"});
    std::vector<const char*> argv;
    for (const auto& word : line) argv.push_back(word.c_str());
    try {
      app.parse(spelt_out(app, static_cast<int>(argv.size()), argv.data()));
    } catch (const CLI::ParseError&) {
      // Something is missing, or this option does not take "": it was its value all the same.
    }
    EXPECT_EQ(at->get_option(option)->results(), std::vector<std::string>{""});
  }
}

// The case that was met: the zone was not read, and the real DNS was asked.
TEST(CommandLine, ABounceIsCheckedAgainstItsZone) {
  test::TemporaryFolder folder;
  std::ofstream(folder.file("zone")) << "a.example. TXT \"v=spf1 -all\"\n";
  std::ofstream(folder.file("conf")) << "[identity]\nauthserv_id = \"mx.example.jp\"\n";
  std::ofstream(folder.file("message")) << "From: bob@a.example\r\n\r\nx\r\n";
  const auto ended = test::run_command(
      folder, {"check", folder.file("message"), "--ip=192.0.2.1", "--helo=a.example",
               "--mail-from=", "--zone=" + folder.file("zone"), "--config=" + folder.file("conf"),
               "--json"});
  EXPECT_EQ(ended.err, "");
  const auto judged = nlohmann::json::parse(ended.out);
  EXPECT_EQ(judged["spf"][0]["result"], "fail")
      << "of the HELO's record in the zone: " << ended.out;
}

}  // namespace
}  // namespace sekisho::cli
