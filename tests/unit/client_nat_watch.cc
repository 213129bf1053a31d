#include "client/nat_watch.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sekisho::client {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

mail::IpAddress address(std::string_view text) { return mail::IpAddress::parse(text).value(); }

const SteadyTime start{hours(1'000)};

struct Kind {
  std::string_view client = "172.17.0.1";
  std::size_t names = 10;  // HELO texts, in turn
  bool trusted = true;
  bool authenticated = false;
};

class Watch {
 public:
  // How many alarms so many messages gave, a second apart.
  std::size_t send(std::size_t messages, const Kind& kind, SteadyTime at = start) {
    std::size_t alarms = 0;
    for (std::size_t i = 0; i < messages; ++i) {
      const std::string helo = "mx" + std::to_string(i % kind.names) + ".foreign.test";
      const auto alarm = watch_.count(
          {address(kind.client), helo, kind.trusted, kind.authenticated}, at + seconds(i));
      if (alarm) last_ = alarm;
      alarms += alarm ? 1 : 0;
    }
    return alarms;
  }
  const NatWatch::Alarm& last() const { return last_.value(); }

 private:
  NatWatch watch_;
  std::optional<NatWatch::Alarm> last_;
};

TEST(NatWatch, everybodyFromOnePrivateTrustedAddress) {
  for (const char* client : {"10.0.0.1", "172.17.0.1", "192.168.1.1", "100.64.0.1", "169.254.7.7",
                             "fd00::1", "fe80::1"}) {
    Watch watch;
    EXPECT_EQ(watch.send(NatWatch::least_messages - 1, {client}), 0U) << client;
    EXPECT_EQ(watch.send(1, {client}, start + minutes(5)), 1U) << client;
    EXPECT_EQ(watch.last().address, address(client));
    EXPECT_EQ(watch.last().messages, NatWatch::least_messages);
    EXPECT_EQ(watch.last().of, NatWatch::least_messages);
    EXPECT_NE(watch.last().text().find(client), std::string::npos);
  }
}

TEST(NatWatch, isSilentOverOtherThings) {
  const std::pair<const char*, Kind> cases[] = {
      {"not trusted: judged as everybody", {.trusted = false}},
      {"logged in", {.authenticated = true}},
      {"a public address", {.client = "192.0.2.1"}},
      {"programs and filters of this host", {.client = "127.0.0.1"}},
      {"the same over IPv6", {.client = "::1"}},
      {"a host of the LAN has one name", {.names = 1}},
      {"or two", {.names = NatWatch::least_names - 1}},
  };
  for (const auto& [what, kind] : cases) {
    Watch watch;
    EXPECT_EQ(watch.send(1'000, kind), 0U) << what;
  }
}

TEST(NatWatch, nearlyAllIsNineteenOfTwenty) {
  Watch watch;
  EXPECT_EQ(watch.send(6, {.client = "192.0.2.1", .trusted = false}), 0U);
  EXPECT_EQ(watch.send(113, {}), 0U);
  EXPECT_EQ(watch.send(1, {}), 1U);
  EXPECT_EQ(watch.last().messages, 114U);
  EXPECT_EQ(watch.last().of, 120U);
}

TEST(NatWatch, loginsAndTheHostItselfDoNotDilute) {
  Watch watch;
  EXPECT_EQ(watch.send(500, {.client = "127.0.0.1"}), 0U);
  EXPECT_EQ(watch.send(500, {.client = "198.51.100.1", .authenticated = true}), 0U);
  EXPECT_EQ(watch.send(NatWatch::least_messages, {}), 1U);
}

TEST(NatWatch, countsOneHour) {
  Watch watch;
  EXPECT_EQ(watch.send(NatWatch::least_messages - 1, {}), 0U);
  EXPECT_EQ(watch.send(NatWatch::least_messages - 1, {}, start + hours(1)), 0U);
  EXPECT_EQ(watch.send(1, {}, start + hours(1) + minutes(59)), 1U);
}

TEST(NatWatch, saysItOnceADay) {
  Watch watch;
  std::size_t alarms = 0;
  for (int hour = 0; hour < 49; ++hour) alarms += watch.send(100, {}, start + hours(hour));
  EXPECT_EQ(alarms, 3U);
}

// Whoever fills the table keeps an alarm away for an hour at most, and needs as many trusted
// addresses.
TEST(NatWatch, memoryIsBounded) {
  Watch watch;
  for (std::size_t i = 0; i < NatWatch::max_addresses; ++i) {
    const std::string client = "10.0.1." + std::to_string(i);
    watch.send(1, {.client = client});
  }
  EXPECT_EQ(watch.send(2'000, {}), 0U);
  EXPECT_EQ(watch.send(NatWatch::least_messages, {}, start + hours(1)), 1U);
}

TEST(NatWatch, manyThreadsGetOneAlarm) {
  NatWatch watch;
  std::atomic<int> alarms = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, name = std::to_string(t)] {
      for (int i = 0; i < 1'000; ++i) {
        if (watch.count({address("172.17.0.1"), name, true, false}, start)) ++alarms;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(alarms, 1);
}

}  // namespace
}  // namespace sekisho::client
