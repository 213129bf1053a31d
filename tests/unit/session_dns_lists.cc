// The lookups of one message in DNS lists, and the self-tests of the lists.
#include <gtest/gtest.h>

#include "session/dns_list_checks.h"
#include "session/dns_list_watch.h"
#include "support/session_gate.h"

namespace sekisho::session {
namespace {

using client::DnsListCode;
using client::DnsListFault;
using client::DnsListKind;
using client::DnsListOn;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::HeldResolver;
using test::snapshot_on_zone;
using Names = std::vector<std::string>;

client::DnsListDefinition list(std::string name, std::string_view text,
                               DnsListKind kind = DnsListKind::dnsbl) {
  client::DnsListDefinition out;
  out.name = std::move(name);
  out.kind = kind;
  out.list = client::DnsListZone::parse(text).value();
  return out;
}

const client::Options options{{list("zen", "zen.test=127.0.0.[2..11]"),
                               list("good", "good.test", DnsListKind::dnswl),
                               list("dbl", "dbl.test", DnsListKind::rhsbl)}};

const char* const honest = R"(
2.0.0.127.zen.test.   A   127.0.0.2
2.0.0.127.good.test.  A   127.0.0.2
test.dbl.test.        A   127.0.1.2
1.2.0.192.zen.test.   A   127.0.0.4
1.2.0.192.zen.test.   TXT "see there"
a.example.dbl.test.   A   127.0.1.2
)";

struct Lists : testing::Test {
  Lists() { use(honest); }
  void use(const std::string& zone) {
    held = std::make_shared<HeldResolver>(snapshot_on_zone(zone).resolver);
  }
  std::unique_ptr<DnsListChecks> checks() {
    return std::make_unique<DnsListChecks>(nullptr, options, *held, dns::Options(), *guard, [] {});
  }
  // The results that matter, as text.
  static Names shown(const DnsListChecks& checks) {
    Names out;
    for (const auto& r : checks.results()) {
      out.push_back(r.name + " " + std::string(to_string(r.on)) + "=" + r.value + " " +
                    std::string(to_string(r.code)) + (r.reason.empty() ? "" : " " + r.reason));
    }
    return out;
  }

  std::shared_ptr<HeldResolver> held;
  std::vector<std::string> lines;
  std::shared_ptr<client::DnsListGuard> guard =
      std::make_shared<client::DnsListGuard>([this](std::string line) { lines.push_back(line); });
  SteadyTime now = steady_now();
};

// --- a message -----------------------------------------------------------------------------------

TEST_F(Lists, AllAreAskedAtOnceAndAHitThenForItsReason) {
  guard->configure(options, false, now);
  const auto lists = checks();
  lists->client(mail::IpAddress::parse("192.0.2.1").value());
  lists->domain(DnsListOn::helo, "a.example");
  lists->domain(DnsListOn::sender, "a.example");
  lists->domain(DnsListOn::sender, "a.example");
  // The same name from two origins is one question.
  EXPECT_EQ(held->asked(),
            (Names{"1.2.0.192.good.test A", "1.2.0.192.zen.test A", "a.example.dbl.test A"}));
  EXPECT_FALSE(lists->decided(now));
  EXPECT_EQ(shown(*lists)[0], "zen client=192.0.2.1 unanswered");
  held->answer_all();
  lists->advance(now);
  // The reason is waited for, but not for long.
  EXPECT_EQ(held->asked(), (Names{"1.2.0.192.zen.test TXT", "a.example.dbl.test TXT"}));
  EXPECT_FALSE(lists->decided(now));
  EXPECT_EQ(lists->deadline(), now + client::reason_wait);
  EXPECT_TRUE(lists->decided(now + client::reason_wait));
  EXPECT_EQ(shown(*lists)[0], "zen client=192.0.2.1 listed");
  held->answer_all();
  lists->advance(now);
  EXPECT_TRUE(lists->decided(now));
  EXPECT_EQ(lists->deadline(), SteadyTime::max());
  EXPECT_EQ(shown(*lists),
            (Names{"zen client=192.0.2.1 listed see there", "good client=192.0.2.1 not-listed",
                   "dbl helo=a.example listed", "dbl sender=a.example listed"}));
  // Each is told to the guard once, however many origins have the name.
  for (const auto& status : guard->status()) EXPECT_EQ(status.lookups, 1U) << status.name;
}

TEST_F(Lists, WhatIsUnansweredAtTheEndIsAFailureOfNobody) {
  guard->configure(options, false, now);
  const auto lists = checks();
  lists->client(mail::IpAddress::parse("192.0.2.1").value());
  lists->expire(lists->deadline());
  EXPECT_TRUE(lists->decided(now));
  EXPECT_EQ(shown(*lists)[0], "zen client=192.0.2.1 temperror time budget");
  EXPECT_TRUE(lines.empty());
}

TEST_F(Lists, AListThatGoesBadInTheMiddleCountsForNobody) {
  guard->configure(options, false, now);
  use("1.2.0.192.zen.test. A 127.255.255.254\n2.2.0.192.zen.test. A 127.0.0.2\n");
  const auto first = checks();
  const auto second = checks();
  const auto ask = [&](DnsListChecks& one, const char* address) {
    one.client(mail::IpAddress::parse(address).value());
    held->answer_all();
    one.advance(now);
  };
  ask(*first, "192.0.2.1");
  ask(*second, "192.0.2.2");
  EXPECT_EQ(shown(*first)[0], "zen client=192.0.2.1 set-aside answers with an error code");
  EXPECT_EQ(shown(*second)[0],
            "zen client=192.0.2.2 set-aside the list answers with an error code");
  EXPECT_TRUE(second->decided(now));  // nobody needs the reason
  EXPECT_EQ(lines.size(), 1U);
}

TEST_F(Lists, AHostileMessageAsksNoMoreThanItsBudget) {
  guard->configure(options, false, now);
  const auto lists = checks();
  for (int i = 0; i < 1000; ++i) {
    lists->domain(DnsListOn::dkim, "d" + std::to_string(i) + ".example");
  }
  lists->advance(now);
  EXPECT_EQ(held->asked().size(), DnsListChecks::least_questions);
  EXPECT_TRUE(lines.empty()) << "our own budget is no fault of the list";
}

TEST_F(Lists, ADomainOfManyPlacesIsLookedUpOnceAndToldForEach) {
  guard->configure(options, false, now);
  const auto lists = checks();
  const auto client = mail::IpAddress::parse("192.0.2.1").value();
  lists->client(client);
  lists->client(client);
  lists->domain(DnsListOn::helo, "mx.example.org");
  lists->domain(DnsListOn::sender, "a.example");
  held->answer_all();
  lists->advance(now);
  held->answer_all();
  lists->advance(now);
  EXPECT_EQ(held->asked(),
            (Names{"1.2.0.192.good.test A", "1.2.0.192.zen.test A", "1.2.0.192.zen.test TXT",
                   "a.example.dbl.test A", "a.example.dbl.test TXT", "mx.example.org.dbl.test A"}));
  // Named after it is known: nothing is asked, and it is decided at once.
  lists->domain(DnsListOn::from, "A.Example.");
  lists->domain(DnsListOn::dkim, "mx.example.org");
  EXPECT_TRUE(held->asked().empty());
  EXPECT_TRUE(lists->decided(now));
  EXPECT_EQ(shown(*lists),
            (Names{"zen client=192.0.2.1 listed see there", "good client=192.0.2.1 not-listed",
                   "dbl helo=mx.example.org not-listed", "dbl sender=a.example listed",
                   "dbl from=a.example listed", "dbl dkim=mx.example.org not-listed"}));
}

TEST_F(Lists, ManyListsAreAllAsked) {
  client::Options many;
  for (int i = 0; i < 400; ++i) {
    const std::string name = "list" + std::to_string(i);
    many.lists.push_back(list(name, name + ".test"));
  }
  guard->configure(many, false, now);
  DnsListChecks all(nullptr, many, *held, dns::Options(), *guard, [] {});
  all.client(mail::IpAddress::parse("192.0.2.1").value());
  all.advance(now);
  EXPECT_EQ(held->asked().size(), 400U);
}

// --- the self-tests ------------------------------------------------------------------------------

bool is_aside(const client::DnsListGuard& guard, std::string_view name) {
  for (const auto& status : guard.status()) {
    if (status.name == name) return status.set_aside;
  }
  ADD_FAILURE() << name;
  return false;
}

TEST_F(Lists, AreTestedAtTheStartAndHourly) {
  DnsListWatch watch(guard);
  watch.start(held, options, now);
  EXPECT_EQ(held->asked().size(), 4U + 4U + 2U);
  EXPECT_TRUE(is_aside(*guard, "zen"));  // nothing counts yet
  held->answer_all();
  for (const char* name : {"zen", "good", "dbl"}) EXPECT_FALSE(is_aside(*guard, name)) << name;
  EXPECT_TRUE(lines.empty());
  watch.tick(now + minutes(59));
  EXPECT_TRUE(held->asked().empty());
  watch.tick(now + hours(1) + minutes(1));
  EXPECT_EQ(held->asked().size(), 10U);
}

TEST_F(Lists, OneThatListsTheWorldIsSetAsideAtOnce) {
  use("*.zen.test. A 127.0.0.2\n2.0.0.127.good.test. A 127.0.0.2\n*.dbl.test. A 127.0.1.2\n");
  DnsListWatch watch(guard);
  watch.start(held, options, now);
  held->answer_all();
  EXPECT_TRUE(is_aside(*guard, "zen"));
  EXPECT_FALSE(is_aside(*guard, "good"));
  EXPECT_TRUE(is_aside(*guard, "dbl"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("would block every"), std::string::npos) << lines[0];
  // Repaired, and reloaded: it is back at once.
  use(honest);
  watch.start(held, options, now + minutes(1));
  held->answer_all();
  EXPECT_FALSE(is_aside(*guard, "zen"));
  EXPECT_EQ(lines.size(), 4U);
}

TEST_F(Lists, OneThatFailedComesBackByItself) {
  guard->configure(options, false, now);
  client::DnsListResult bad;
  bad.name = "zen";
  bad.code = DnsListCode::set_aside;
  bad.fault = DnsListFault::error_code;
  bad.codes = "127.255.255.255";
  DnsListWatch watch(guard);
  watch.start(held, options, now);
  held->answer_all();
  held->asked();
  guard->observe(bad, steady_now());
  ASSERT_TRUE(is_aside(*guard, "zen"));
  watch.tick(steady_now() + minutes(4));
  EXPECT_TRUE(held->asked().empty());
  watch.tick(steady_now() + minutes(6));
  EXPECT_EQ(held->asked().size(), 4U);  // that list alone
  held->answer_all();
  EXPECT_FALSE(is_aside(*guard, "zen"));
  EXPECT_EQ(lines.size(), 2U);
}

TEST_F(Lists, ATestThatIsCutOffIsOfNoConsequence) {
  {
    DnsListWatch watch(guard);
    watch.start(held, options, now);
  }
  held->answer_all();
  EXPECT_TRUE(lines.empty());
  EXPECT_TRUE(is_aside(*guard, "zen"));  // still untested
  // A reload in the middle of a test begins it anew.
  DnsListWatch watch(guard);
  watch.start(held, options, now);
  held->asked();
  watch.start(held, options, now);
  EXPECT_EQ(held->asked().size(), 10U);
  held->answer_all();
  EXPECT_FALSE(is_aside(*guard, "zen"));
}

// A resolver that answers before ask() returns.
TEST_F(Lists, TestsWorkWhenTheAnswerIsAtHand) {
  DnsListWatch watch(guard);
  watch.start(snapshot_on_zone(honest).resolver, options, now);
  EXPECT_FALSE(is_aside(*guard, "zen"));
  EXPECT_FALSE(is_aside(*guard, "dbl"));
}

}  // namespace
}  // namespace sekisho::session
