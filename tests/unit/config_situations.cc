// The configurations of docs/situations: `config check` says of them what the documents say, and no
// more.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/read_file.h"
#include "config/load.h"
#include "config/problems.h"
#include "config/reach.h"
#include "setup/names.h"

namespace sekisho::config {
namespace {

using Lines = std::vector<std::string>;
using testing::ElementsAreArray;

// Files that the text names, and that this host does not have.
bool is_missing_here(const std::string& finding, const std::string& text) {
  constexpr std::string_view missing = ": No such file or directory";
  if (!finding.ends_with(missing)) return false;
  return text.find(finding.substr(0, finding.size() - missing.size())) != std::string::npos;
}

// What `sekisho config check` prints of it, on a host with the daemon's user and without aliases.
Lines complaints(const std::string& path) {
  auto loaded = load_file(path);
  if (!loaded) return {loaded.error().front().text()};
  EXPECT_FALSE(loaded->settings.listeners.empty());
  EXPECT_FALSE(loaded->settings.routes.empty());
  auto all = loaded->findings;
  loaded->settings.process.user = "root";
  loaded->settings.process.group = "root";
  loaded->settings.aliases.files.clear();
  for (auto& each : problems(*loaded, path, true)) all.push_back(std::move(each));
  find_unreachable(*loaded, path, true, all);
  for (auto& each : setup::name_findings(loaded->settings, path)) all.push_back(std::move(each));
  Lines out;
  const auto text = read_file(path, 100'000).value();
  for (const auto& each : all) {
    if (!is_missing_here(each.message, text)) out.push_back(each.message);
  }
  return out;
}

TEST(Situations, AreReadAsTheyStand) {
  const auto nobody = [](const std::string& who, const std::string& host) {
    return who +
           ": mail for it is read by nobody, and is held; write in /etc/aliases who gets it, or "
           "add a [[route]] for " +
           host;
  };
  // docs/situations/README.md says who must read this mail.
  const std::map<std::string, Lines> expected = {
      {"1-dual-stack.toml", {nobody("root@mx.example.jp", "mx.example.jp")}},
      {"2-reports-through-a-provider.toml", {nobody("postmaster", "vps.example.jp")}},
      {"3-home-behind-nat.toml", {}},
      {"4-dmz-and-lan.toml", {nobody("root@gate.example.jp", "gate.example.jp")}},
      {"5-small-company.toml", {nobody("root@mail.example.co.jp", "mail.example.co.jp")}},
  };
  const auto folder =
      std::filesystem::path(SEKISHO_TEST_DATA).parent_path().parent_path() / "docs/situations";
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const auto name = entry.path().filename().string();
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_THAT(complaints(entry.path()), ElementsAreArray(expected.at(name))) << name;
    ++read;
  }
  EXPECT_EQ(read, expected.size());
}

}  // namespace
}  // namespace sekisho::config
