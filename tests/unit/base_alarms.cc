// Alarms: when an admin is told of a fault, and how often.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/alarms.h"
#include "base/guarded.h"

namespace sekisho {
namespace {

using namespace std::chrono_literals;

class MemorySink final : public LogSink {
 public:
  bool write(LogLevel level, std::string_view line) const override {
    lines_.with(
        [&](auto& all) { all.push_back(std::string(to_string(level)) + " " + std::string(line)); });
    return true;
  }
  std::vector<std::string> take() const {
    return lines_.with([](auto& all) { return std::exchange(all, {}); });
  }

 private:
  mutable Guarded<std::vector<std::string>> lines_;
};

class AlarmsTest : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;
  const std::shared_ptr<MemorySink> sink_ = std::make_shared<MemorySink>();
  Log log_{sink_, LogLevel::info};
  Alarms alarms_{log_};
  const WallTime start_ = wall_now();
};

TEST_F(AlarmsTest, BeginsOnceHoweverOftenItIsRaised) {
  for (int i = 0; i < 100; ++i) alarms_.raise("route:x", "x refuses our password", start_ + i * 1s);
  EXPECT_EQ(sink_->take(), (Lines{"alert alarm: x refuses our password"}));
}

TEST_F(AlarmsTest, IsToldAgainAfterFourHoursAndThenDaily) {
  alarms_.raise("k", "a fault", start_);
  sink_->take();
  alarms_.tick(start_ + 4h - 1s);
  EXPECT_EQ(sink_->take(), Lines{});
  alarms_.tick(start_ + 4h);
  EXPECT_EQ(sink_->take(), (Lines{"alert alarm lasts for 4 h: a fault"}));
  alarms_.tick(start_ + 4h + 5s);
  alarms_.tick(start_ + 28h - 1s);
  EXPECT_EQ(sink_->take(), Lines{});
  alarms_.tick(start_ + 28h);
  EXPECT_EQ(sink_->take(), (Lines{"alert alarm lasts for 28 h: a fault"}));
  alarms_.tick(start_ + 52h);
  EXPECT_EQ(sink_->take(), (Lines{"alert alarm lasts for 2 d: a fault"}));
}

TEST_F(AlarmsTest, ShowsTheLatestTextOfOneThatGoesOn) {
  alarms_.raise("k", "535 said A", start_);
  alarms_.raise("k", "535 said B", start_ + 1h);
  ASSERT_EQ(alarms_.lasting().size(), 1U);
  EXPECT_EQ(alarms_.lasting()[0].text, "535 said B");
  EXPECT_EQ(alarms_.lasting()[0].since, start_);
}

TEST_F(AlarmsTest, EndsWithALineAndMayBeginAgain) {
  alarms_.raise("k", "a fault", wall_now() - 5min);
  alarms_.clear("k");
  alarms_.clear("k");
  alarms_.clear("another");
  EXPECT_EQ(sink_->take(),
            (Lines{"alert alarm: a fault", "info alarm ended after 5 min: a fault"}));
  EXPECT_TRUE(alarms_.lasting().empty());
  alarms_.raise("k", "a fault", start_);
  EXPECT_EQ(sink_->take(), (Lines{"alert alarm: a fault"}));
}

TEST_F(AlarmsTest, AClockThatWasSetBackSaysZero) {
  alarms_.raise("k", "a fault", wall_now() + 24h);
  sink_->take();
  alarms_.clear("k");
  EXPECT_EQ(sink_->take(), (Lines{"info alarm ended after 0 s: a fault"}));
}

}  // namespace
}  // namespace sekisho
