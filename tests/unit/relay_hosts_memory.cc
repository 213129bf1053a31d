// What is remembered of next hops, and until when.
#include "relay/hosts_memory.h"

#include <gtest/gtest.h>

#include "relay/results.h"

namespace sekisho::relay {
namespace {

using std::chrono::minutes;

const SteadyTime start = SteadyTime() + std::chrono::hours(1000);
const Result refused = own_fault("4.7.8", "535 no", "route:x");

TEST(RelayHostsMemory, BrokenTlsHasAnEnd) {
  HostsMemory memory;
  EXPECT_FALSE(memory.tls_is_broken("mx.test", start));
  memory.tls_broke("mx.test", start);
  EXPECT_TRUE(memory.tls_is_broken("mx.test", start + minutes(59)));
  EXPECT_FALSE(memory.tls_is_broken("other.test", start));
  EXPECT_FALSE(memory.tls_is_broken("mx.test", start + minutes(60)));
}

TEST(RelayHostsMemory, OneProbesInAQuarterOfAnHour) {
  HostsMemory memory;
  memory.pause("r", refused, "old", start);
  ASSERT_NE(memory.paused("r", start + minutes(14)), nullptr);
  EXPECT_EQ(memory.paused("r", start)->why, "535 no");
  EXPECT_EQ(memory.paused("r", start + minutes(15)), nullptr) << "this one probes";
  EXPECT_NE(memory.paused("r", start + minutes(15)), nullptr) << "and no other";
  memory.login_worked("r");
  EXPECT_EQ(memory.paused("r", start), nullptr);
}

TEST(RelayHostsMemory, ANewPasswordIsSeen) {
  HostsMemory memory;
  memory.pause("r", refused, "old", start);
  EXPECT_FALSE(memory.is_new_secret("r", "old"));
  EXPECT_TRUE(memory.is_new_secret("r", "new"));
}

TEST(RelayHostsMemory, TheWindowGrowsAndShrinks) {
  HostsMemory memory;
  EXPECT_EQ(memory.window("d", 10), HostsMemory::first_window);
  EXPECT_EQ(memory.window("d", 2), 2U);
  for (int i = 0; i < 100; ++i) memory.succeeded("d", 10);
  EXPECT_EQ(memory.window("d", 10), 10U);
  for (int i = 0; i < 100; ++i) memory.failed("d");
  EXPECT_EQ(memory.window("d", 10), 1U) << "it is never shut";
  memory.succeeded("d", 10);
  EXPECT_EQ(memory.window("d", 10), 2U);
}

TEST(RelayHostsMemory, Forgets) {
  HostsMemory memory;
  memory.pause("d", refused, "", start);
  memory.tls_broke("mx.test", start);
  memory.failed("d");
  memory.forget("d");
  EXPECT_EQ(memory.paused("d", start), nullptr);
  EXPECT_FALSE(memory.tls_is_broken("mx.test", start));
  EXPECT_EQ(memory.window("d", 10), HostsMemory::first_window);
}

// Strangers name as many hosts as they like.
TEST(RelayHostsMemory, IsBounded) {
  HostsMemory memory;
  for (int i = 0; i < 30'000; ++i) {
    memory.tls_broke("h" + std::to_string(i), start);
    memory.failed("h" + std::to_string(i));
  }
  EXPECT_LE(memory.size(), 3U * HostsMemory::most_entries);
}

}  // namespace
}  // namespace sekisho::relay
