// The configurations of docs/situations are read without a complaint.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "config/load.h"

namespace sekisho::config {

TEST(Situations, AreReadAsTheyStand) {
  const auto folder =
      std::filesystem::path(SEKISHO_TEST_DATA).parent_path().parent_path() / "docs/situations";
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const auto loaded = load_file(entry.path());
    ASSERT_TRUE(loaded) << entry.path() << ": " << loaded.error().front().text();
    EXPECT_FALSE(loaded->settings.listeners.empty()) << entry.path();
    EXPECT_FALSE(loaded->settings.routes.empty()) << entry.path();
    ++read;
  }
  EXPECT_EQ(read, 5U);
}

}  // namespace sekisho::config
