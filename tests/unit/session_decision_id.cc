#include "session/decision_id.h"

#include <set>

#include <gtest/gtest.h>

namespace sekisho::session {
namespace {

TEST(DecisionIds, NoTwoAreEqual) {
  DecisionIds ids;
  std::set<std::string> seen;
  WallTime now{std::chrono::seconds(1'800'000'000)};
  for (int i = 0; i < 150'000; ++i) {
    if (i % 50'000 == 0) now += std::chrono::seconds(1);
    const auto id = ids.next(now);
    ASSERT_EQ(id.size(), 9U);
    EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ-"), std::string::npos) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

// The time goes in exactly, also when its nanoseconds times the ticks of a second are more than 64
// bits hold (as of May 2029, between these two): 2^25 seconds later the same id comes again.
TEST(DecisionIds, TellTheTimeWithoutOverflow) {
  const DecisionIds::Time time{std::chrono::seconds(1'870'000'000)};
  EXPECT_EQ(DecisionIds().next(time), DecisionIds().next(time + std::chrono::seconds(1 << 25)));
}

// A daemon that starts again and again, ten times a second, and decides much in between.
TEST(DecisionIds, RestartsRepeatNone) {
  std::set<std::string> seen;
  DecisionIds::Time now{std::chrono::seconds(1'800'000'000)};
  for (int start = 0; start < 2'000; ++start) {
    DecisionIds ids;
    for (int i = 0; i < 500; ++i) {
      now += std::chrono::microseconds(200);
      const auto id = ids.next(now);
      ASSERT_TRUE(seen.insert(id).second) << id << " of start " << start;
    }
  }
}

// What was held before the clock was set back is known: ids go on after it.
TEST(DecisionIds, GoOnAfterWhatIsKept) {
  const DecisionIds::Time then{std::chrono::seconds(1'800'000'000)};
  DecisionIds before;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(before.next(then));
  DecisionIds ids;
  ids.after(then + std::chrono::seconds(60));
  ids.after(then - std::chrono::hours(1));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(ids.next(then - std::chrono::minutes(1))).second);
  }
}

TEST(DecisionIds, AClockThatIsSetBackRepeatsNone) {
  DecisionIds ids;
  const auto first = ids.next(WallTime{std::chrono::seconds(1'800'000'000)});
  EXPECT_NE(ids.next(WallTime{std::chrono::seconds(1'700'000'000)}), first);
}

}  // namespace
}  // namespace sekisho::session
