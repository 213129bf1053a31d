#include "cli/when.h"

#include <gtest/gtest.h>

namespace sekisho::cli {
namespace {

using namespace std::chrono_literals;

TEST(When, TimesAndHowLongAgo) {
  const WallTime now = *parse_time("2026-11-25T12:00:00Z");
  EXPECT_EQ(parse_when("2h", now), now - 2h);
  EXPECT_EQ(parse_when("36h", now), now - 36h);
  EXPECT_EQ(parse_when("2d", now), now - 48h);
  EXPECT_EQ(parse_when("7d", now), now - 168h);
  EXPECT_EQ(parse_when("90m", now), now - 90min);
  EXPECT_EQ(parse_when("1500ms", now), now - 1s);
  EXPECT_EQ(parse_when("2026-11-24", now), parse_time("2026-11-24T00:00:00Z"));
  EXPECT_EQ(parse_when("2026-11-24T08:00:00Z", now), parse_time("2026-11-24T08:00:00Z"));
  EXPECT_EQ(parse_when("1795253400", now), parse_time("2026-11-21T09:30:00Z"));
}

TEST(When, OtherTextIsNoTime) {
  const WallTime now = *parse_time("2026-11-25T12:00:00Z");
  for (const char* bad : {"yesterday", "d", "-2d", "2 d", "2w", "99999999d", ""})
    EXPECT_FALSE(parse_when(bad, now)) << bad;
}

}  // namespace
}  // namespace sekisho::cli
