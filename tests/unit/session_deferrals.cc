#include "session/deferrals.h"

#include <gtest/gtest.h>

namespace sekisho::session {
namespace {

mail::DomainName domain(std::string_view text) { return mail::DomainName::parse(text).value(); }

policy::Facts deferred_from(const std::string& address, const std::string& mail_from) {
  policy::Facts facts;
  facts.author.result = mail::Author::Result::one;
  facts.author.domains = {domain("example.com")};
  facts.client.address = mail::IpAddress::parse(address).value();
  facts.mail_from = mail_from;
  return facts;
}

TEST(Deferrals, AreOfASenderAndAnAuthorFromWhicheverNetwork) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  deferrals.deferred(deferred_from("192.0.2.1", "Bob@a.example"), start);
  const auto since = [&](const policy::Facts& facts, std::chrono::seconds later) {
    return deferrals.deferred_for(facts, start + later);
  };
  const std::chrono::seconds hour(3600);
  EXPECT_EQ(since(deferred_from("192.0.2.1", "bob@a.example"), hour), hour);
  EXPECT_EQ(since(deferred_from("198.51.100.1", "bob@A.example"), hour), hour);
  EXPECT_EQ(since(deferred_from("2001:db8::1", "bob@a.example"), hour), hour);
  EXPECT_EQ(since(deferred_from("192.0.2.1", "eve@a.example"), hour), std::nullopt);
  auto other_author = deferred_from("192.0.2.1", "bob@a.example");
  other_author.author.domains = {domain("b.example")};
  EXPECT_EQ(since(other_author, hour), std::nullopt);
}

// Deferred at RCPT, where nobody knows the author yet: that is the beginning for whatever the
// sender writes.
TEST(Deferrals, OfASenderWhoseAuthorWasNotKnown) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  auto at_rcpt = deferred_from("192.0.2.1", "bob@a.example");
  at_rcpt.author = {};
  deferrals.deferred(at_rcpt, start);
  const std::chrono::seconds hour(3600);
  EXPECT_EQ(deferrals.deferred_for(deferred_from("192.0.2.1", "bob@a.example"), start + hour),
            hour);
  EXPECT_EQ(deferrals.deferred_for(deferred_from("192.0.2.1", "eve@a.example"), start + hour),
            std::nullopt);
}

TEST(Deferrals, CountFromTheFirstAndAreForgottenAfterFiveDays) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  const auto facts = deferred_from("192.0.2.1", "bob@a.example");
  deferrals.deferred(facts, start);
  deferrals.deferred(facts, start + std::chrono::hours(1));
  EXPECT_EQ(deferrals.size(), 1U);
  EXPECT_EQ(deferrals.deferred_for(facts, start + std::chrono::hours(2)), std::chrono::hours(2));
  EXPECT_TRUE(deferrals.deferred_for(facts, start + Deferrals::keep));
  const auto later = start + Deferrals::keep + std::chrono::seconds(1);
  EXPECT_FALSE(deferrals.deferred_for(facts, later));
  deferrals.deferred(facts, later);
  EXPECT_EQ(deferrals.size(), 1U);
  EXPECT_EQ(deferrals.deferred_for(facts, later), std::chrono::seconds(0));
}

// A sender that fills the table from its own network is forgotten itself; what waited before it
// still does.
TEST(Deferrals, AFloodForgetsItself) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  const auto honest = deferred_from("198.51.100.1", "bob@a.example");
  deferrals.deferred(honest, start);
  const auto nth = [](std::size_t n) {
    return deferred_from("192.0.2.1", std::to_string(n) + "@a.example");
  };
  constexpr std::size_t flood = Deferrals::capacity + 1000;
  const auto at = [&](std::size_t n) { return start + std::chrono::milliseconds(n); };
  for (std::size_t i = 0; i < flood; ++i) deferrals.deferred(nth(i), at(i));
  EXPECT_EQ(deferrals.size(), Deferrals::capacity);
  EXPECT_TRUE(deferrals.deferred_for(honest, at(flood)));
  EXPECT_TRUE(deferrals.deferred_for(nth(0), at(flood)));
  EXPECT_FALSE(deferrals.deferred_for(nth(flood - 2), at(flood)));
  // One from elsewhere comes in, and stays.
  const auto late = deferred_from("203.0.113.1", "eve@a.example");
  deferrals.deferred(late, at(flood));
  deferrals.deferred(nth(flood), at(flood + 1));
  EXPECT_TRUE(deferrals.deferred_for(late, at(flood + 1)));
  EXPECT_EQ(deferrals.size(), Deferrals::capacity);
}

// From as many networks as there are entries, as a botnet comes: what does not try again makes room
// after a day.
TEST(Deferrals, WhoDoesNotTryAgainMakesRoom) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  const auto nth = [](std::size_t n) {
    const std::string network = std::to_string(11 + n / 65536) + "." +
                                std::to_string(n / 256 % 256) + "." + std::to_string(n % 256);
    return deferred_from(network + ".1", std::to_string(n) + "@a.example");
  };
  const auto at = [&](std::size_t n) { return start + std::chrono::milliseconds(n); };
  for (std::size_t i = 0; i < Deferrals::capacity; ++i) deferrals.deferred(nth(i), at(i));
  const auto later = at(Deferrals::capacity) + Deferrals::unseen + std::chrono::seconds(1);
  deferrals.deferred(nth(7), later);  // it tries again
  const auto honest = deferred_from("198.51.100.1", "bob@a.example");
  for (std::size_t i = 0; i < 2000; ++i) deferrals.deferred(nth(100'000 + i), later);
  deferrals.deferred(honest, later);
  EXPECT_EQ(deferrals.size(), Deferrals::capacity);
  EXPECT_TRUE(deferrals.deferred_for(honest, later));
  EXPECT_TRUE(deferrals.deferred_for(nth(7), later));
  EXPECT_FALSE(deferrals.deferred_for(nth(0), later));
}

// What was kept over a restart, read under a clock that may have been set meanwhile.
TEST(Deferrals, AreRememberedOverARestart) {
  const WallTime wall{std::chrono::seconds(1'795'000'000)};
  const SteadyTime start = steady_now();
  using std::chrono::hours;
  Deferrals before;
  const auto facts = deferred_from("192.0.2.1", "bob@a.example");
  before.deferred(facts, start - hours(3), wall - hours(3));
  const auto kept = before.all(wall, start);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].first, wall - hours(3));
  EXPECT_EQ(kept[0].network, "192.0.2.0/24");
  EXPECT_EQ(kept[0].key.size(), 16U);
  const auto after = [&](WallTime now) {
    Deferrals deferrals;
    deferrals.remember(kept, now, start);
    return deferrals.deferred_for(facts, start);
  };
  EXPECT_EQ(after(wall), hours(3));
  EXPECT_EQ(after(wall + hours(1)), hours(4));
  EXPECT_EQ(after(wall - hours(4)), std::nullopt) << "from the future";
  EXPECT_EQ(after(wall + hours(24 * 40)), std::nullopt) << "of long ago";
  // What is known already began earlier, or later: the first counts.
  Deferrals both;
  both.deferred(facts, start - hours(1));
  both.remember(kept, wall, start);
  EXPECT_EQ(both.deferred_for(facts, start), hours(3));
  both.remember({{kept[0].key, kept[0].network, wall - hours(2)}}, wall, start);
  EXPECT_EQ(both.deferred_for(facts, start), hours(3));
  EXPECT_EQ(both.size(), 1U);
}

}  // namespace
}  // namespace sekisho::session
