#include "base/clock.h"

#include <gtest/gtest.h>

namespace sekisho {
namespace {

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

TEST(Clock, timesAreWrittenAndReadInUtc) {
  const std::pair<std::int64_t, std::string_view> cases[] = {
      {0, "1970-01-01T00:00:00Z"},
      {951782400, "2000-02-29T00:00:00Z"},
      {1795253400, "2026-11-21T09:30:00Z"},
      {2147483648, "2038-01-19T03:14:08Z"},
      {253402300799, "9999-12-31T23:59:59Z"},
  };
  for (const auto& [seconds, text] : cases) {
    EXPECT_EQ(to_iso8601(at(seconds)), text);
    EXPECT_EQ(parse_time(text), at(seconds)) << text;
    EXPECT_EQ(parse_time(std::to_string(seconds)), at(seconds)) << seconds;
  }
  EXPECT_EQ(to_iso8601(at(-1)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(parse_time("2026-11-21"), at(1795219200));
}

TEST(Clock, otherTextIsNoTime) {
  for (const std::string_view text : {"",
                                      "now",
                                      "-1",
                                      "+1",
                                      "1.5",
                                      " 1",
                                      "1 ",
                                      "253402300800",
                                      "99999999999999999999",
                                      "2026-11",
                                      "2026-11-31",
                                      "2025-02-29",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-1-1",
                                      "2026-11-21T09:30:00",
                                      "2026-11-21T09:30Z",
                                      "2026-11-21T24:00:00Z",
                                      "2026-11-21T09:60:00Z",
                                      "2026-11-21T09:30:60Z",
                                      "2026-11-21 09:30:00Z",
                                      "2026-11-21T09:30:00Zx",
                                      "2026-11-21T09:30:00+01:00",
                                      "2026-11-21T"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(Clock, theClocksRun) {
  EXPECT_GT(wall_now(), parse_time("2024-01-01"));
  const SteadyTime before = steady_now();
  EXPECT_GE(steady_now(), before);
}

}  // namespace
}  // namespace sekisho
