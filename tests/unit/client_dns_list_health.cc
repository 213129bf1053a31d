// When a list is disabled, and when it is in use again. The time is the test's.
#include "client/dns_list_health.h"

#include "client/dnsbl.h"
#include "support/fake_dns.h"

namespace sekisho::test {
namespace {

using namespace client;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const SteadyTime t0 = SteadyTime(hours(1000));

DnsListDefinition list(std::string name, std::string_view text,
                       DnsListKind kind = DnsListKind::dnsbl) {
  DnsListDefinition out;
  out.name = std::move(name);
  out.kind = kind;
  out.list = DnsListZone::parse(text).value();
  return out;
}

const std::string v6_listed =
    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.zen.test";
const std::string v6_not_listed =
    "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.zen.test";

// --- the self-test -------------------------------------------------------------------------------

struct TestCase {
  const char* what;
  FakeDns dns;
  DnsListFault fault;
  const char* answer = "";
};

SelfTest run(const DnsListDefinition& list, FakeDns& dns, int* rounds = nullptr) {
  return run_to_end([&](const dns::Answers& answers) { return self_test(list, answers); }, dns,
                    true, rounds);
}

TEST(ListSelfTest, OfAddresses) {
  const auto listed = [] { return FakeDns().a("2.0.0.127.zen.test", "127.0.0.2"); };
  TestCase table[] = {
      {"IPv4 alone", listed(), DnsListFault::none},
      {"both", listed().a(v6_listed, "127.0.0.2"), DnsListFault::none},
      {"IPv6 alone", FakeDns().a(v6_listed, "127.0.0.2"), DnsListFault::none},
      // Whatever the pattern says.
      {"another code", FakeDns().a("2.0.0.127.zen.test", "127.0.10.0"), DnsListFault::none},
      {"nothing", FakeDns(), DnsListFault::lists_nothing},
      {"the world", listed().a("1.0.0.127.zen.test", "127.0.0.2"), DnsListFault::lists_everything,
       "127.0.0.2"},
      {"blocked by a code of its own", listed().a("1.0.0.127.zen.test", "127.0.0.1"),
       DnsListFault::lists_everything, "127.0.0.1"},
      {"a public resolver", FakeDns().a("2.0.0.127.zen.test", "127.255.255.254"),
       DnsListFault::error_code, "127.255.255.254"},
      {"parked", FakeDns().a("2.0.0.127.zen.test", "8.8.8.8").a("1.0.0.127.zen.test", "8.8.8.8"),
       DnsListFault::outside, "8.8.8.8"},
      {"silent", listed().error("1.0.0.127.zen.test"), DnsListFault::no_answer, "timeout"},
      {"refusing", FakeDns().error("2.0.0.127.zen.test", "refused"), DnsListFault::refused,
       "refused"},
  };
  for (TestCase& each : table) {
    int rounds = 0;
    const auto result = run(list("zen", "zen.test=127.0.0.[2..11]"), each.dns, &rounds);
    EXPECT_EQ(to_string(result.fault), to_string(each.fault)) << each.what;
    EXPECT_EQ(result.answer, each.answer) << each.what;
    EXPECT_EQ(rounds, 1) << each.what;
    EXPECT_EQ(each.dns.asked.size(), 4U) << each.what;
  }
}

// A list whose IPv6 half is broken is as good as before for IPv4, and the other way round.
TEST(ListSelfTest, JudgesTheFamiliesApart) {
  const struct {
    const char* what;
    FakeDns dns;
    DnsListFault v4, v6;
    const char* answer_v6;
  } table[] = {
      {"the IPv6 world",
       FakeDns().a("2.0.0.127.zen.test", "127.0.0.2").a(v6_not_listed, "127.0.0.3"),
       DnsListFault::none, DnsListFault::lists_everything, "127.0.0.3"},
      {"IPv6 refused", FakeDns().a("2.0.0.127.zen.test", "127.0.0.2").error(v6_listed, "refused"),
       DnsListFault::none, DnsListFault::refused, "refused"},
      {"the IPv4 world", FakeDns().a("1.0.0.127.zen.test", "127.0.0.2").a(v6_listed, "127.0.0.2"),
       DnsListFault::lists_everything, DnsListFault::none, ""},
      {"it does not serve us", FakeDns().a(v6_listed, "127.255.255.254"), DnsListFault::error_code,
       DnsListFault::error_code, "127.255.255.254"},
      {"nothing", FakeDns(), DnsListFault::lists_nothing, DnsListFault::lists_nothing, ""},
  };
  for (auto each : table) {
    const auto result = run(list("zen", "zen.test"), each.dns);
    EXPECT_EQ(to_string(result.fault), to_string(each.v4)) << each.what;
    EXPECT_EQ(to_string(result.fault_v6), to_string(each.v6)) << each.what;
    EXPECT_EQ(result.answer_v6, each.answer_v6) << each.what;
  }
}

TEST(ListSelfTest, OfDomains) {
  const auto dbl = list("dbl", "dbl.test", DnsListKind::rhsbl);
  FakeDns good = FakeDns().a("test.dbl.test", "127.0.1.2");
  EXPECT_EQ(run(dbl, good).fault, DnsListFault::none);
  FakeDns everything = FakeDns().a("test.dbl.test", "127.0.1.2").a("invalid.dbl.test", "127.0.1.2");
  EXPECT_EQ(run(dbl, everything).fault, DnsListFault::lists_everything);
  FakeDns nothing;
  EXPECT_EQ(run(dbl, nothing).fault, DnsListFault::lists_nothing);
}

// Some operators list a name of their own for tests, and no TEST.
TEST(ListSelfTest, OfDomainsWithAnEntryOfTheirOwn) {
  const std::pair<const char*, const char*> known[] = {
      {"multi.surbl.org", "test.surbl.org"},
      {"canary0123456789abcdef.multi.surbl.org", "test.surbl.org"},
      {"multi.uribl.com", "test.uribl.com"},
      {"black.uribl.com", "test.uribl.com"},
      {"dbl.spamhaus.org", "dbltest.com"},
  };
  for (const auto& [zone, name] : known) {
    const auto one = list("one", zone, DnsListKind::rhsbl);
    const std::string below = std::string(".") + zone;
    FakeDns own = FakeDns().a(name + below, "127.0.0.126");
    EXPECT_EQ(run(one, own).fault, DnsListFault::none) << zone;
    FakeDns standard = FakeDns().a("test" + below, "127.0.1.2");
    EXPECT_EQ(run(one, standard).fault, DnsListFault::none) << zone;
    FakeDns nothing;
    EXPECT_EQ(run(one, nothing).fault, DnsListFault::lists_nothing) << zone;
    // URIBL's way of refusing whoever asks too much.
    FakeDns refusing = FakeDns().a("invalid" + below, "127.0.0.1").a(name + below, "127.0.0.1");
    EXPECT_EQ(run(one, refusing).fault, DnsListFault::lists_everything) << zone;
  }
  EXPECT_EQ(own_test_entry("notmulti.surbl.org.example"), "");
  EXPECT_EQ(own_test_entry("xmulti.surbl.org"), "");
}

TEST(ListSelfTest, WithoutTestEntriesStillForbidsTheWorld) {
  auto own = list("own", "zen.test");
  own.self_test = false;
  FakeDns nothing;
  EXPECT_EQ(run(own, nothing).fault, DnsListFault::none);
  FakeDns everything = FakeDns().a("1.0.0.127.zen.test", "127.0.0.2");
  EXPECT_EQ(run(own, everything).fault, DnsListFault::lists_everything);
}

// --- one list ------------------------------------------------------------------------------------

using State = DnsListHealth::State;

TEST(DnsListHealth, OneErrorCodeSetsAside) {
  for (const auto fault : {DnsListFault::error_code, DnsListFault::outside}) {
    DnsListHealth health;
    const auto change = health.observe(fault, "127.255.255.254", t0);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->fault, fault);
    EXPECT_EQ(change->answer, "127.255.255.254");
    EXPECT_EQ(health.state(), State::set_aside);
    // One warning, not one for each message.
    EXPECT_FALSE(health.observe(fault, "127.255.255.254", t0 + seconds(1)));
    EXPECT_FALSE(health.test_due(t0 + minutes(5) - seconds(1)));
    EXPECT_TRUE(health.test_due(t0 + minutes(5)));
  }
}

TEST(DnsListHealth, FailuresInARowSetAside) {
  for (const auto fault : {DnsListFault::no_answer, DnsListFault::refused}) {
    DnsListHealth health;
    for (unsigned i = 1; i < DnsListHealth::failures_to_set_aside; ++i) {
      EXPECT_FALSE(health.observe(fault, "timeout", t0)) << i;
    }
    EXPECT_EQ(health.state(), State::healthy);
    health.observe(DnsListFault::none, "", t0);  // an answer between them
    for (unsigned i = 1; i < DnsListHealth::failures_to_set_aside; ++i) {
      EXPECT_FALSE(health.observe(fault, "timeout", t0)) << i;
    }
    EXPECT_TRUE(health.observe(fault, "timeout", t0));
    EXPECT_EQ(health.state(), State::set_aside);
    EXPECT_TRUE(health.test_due(t0 + minutes(1)));
    EXPECT_FALSE(health.test_due(t0 + seconds(59)));
  }
}

TEST(DnsListHealth, ComesBackByASelfTestAlone) {
  DnsListHealth health;
  health.observe(DnsListFault::error_code, "127.255.255.255", t0);
  // Sporadic good answers are not enough.
  EXPECT_FALSE(health.observe(DnsListFault::none, "", t0 + seconds(1)));
  EXPECT_EQ(health.state(), State::set_aside);
  EXPECT_FALSE(health.tested({DnsListFault::error_code, "127.255.255.255"}, t0 + minutes(5)));
  EXPECT_FALSE(health.test_due(t0 + minutes(9)));
  EXPECT_TRUE(health.test_due(t0 + minutes(10)));
  const auto change = health.tested({}, t0 + minutes(10));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->fault, DnsListFault::none);
  EXPECT_EQ(change->was_aside, minutes(10));
  EXPECT_EQ(health.state(), State::healthy);
  EXPECT_FALSE(health.test_due(t0 + minutes(69)));
  EXPECT_TRUE(health.test_due(t0 + minutes(70)));
}

TEST(DnsListHealth, OneThatComesAndGoesIsTestedLessAndLess) {
  DnsListHealth health;
  SteadyTime now = t0;
  std::vector<long> waits;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(health.observe(DnsListFault::error_code, "127.255.255.255", now));
    SteadyTime due = now;
    while (!health.test_due(due)) due += minutes(1);
    waits.push_back(std::chrono::duration_cast<minutes>(due - now).count());
    now = due;
    ASSERT_TRUE(health.tested({}, now));
  }
  EXPECT_EQ(waits, (std::vector<long>{5, 10, 20, 40, 60, 60}));
  // After a quiet day it is as at first.
  now += DnsListHealth::forget_after;
  health.observe(DnsListFault::error_code, "127.255.255.255", now);
  EXPECT_TRUE(health.test_due(now + minutes(5)));
}

// A list that is well may begin to list everybody at any moment, and is not to do so for an hour.
TEST(DnsListHealth, OneThatListsWhoeverItIsIsTestedAtOnce) {
  DnsListHealth health;
  health.test_begun(t0);
  health.tested({}, t0);
  const auto later = t0 + minutes(10);
  for (unsigned i = 1; i < DnsListHealth::hits_to_test; ++i) health.answered(true, later);
  EXPECT_FALSE(health.test_due(later));
  health.answered(false, later);
  for (unsigned i = 1; i < DnsListHealth::hits_to_test; ++i) health.answered(true, later);
  EXPECT_FALSE(health.test_due(later)) << "one that it does not list is between them";
  health.answered(true, later);
  EXPECT_TRUE(health.test_due(later));
  health.test_begun(later);
  health.tested({}, later);

  // It was spam. While that goes on, a test each half minute is enough.
  health.answered(true, later + seconds(1));
  EXPECT_FALSE(health.test_due(later + seconds(29)));
  EXPECT_TRUE(health.test_due(later + seconds(30)));
  health.test_begun(later + minutes(1));
  EXPECT_TRUE(health.tested({DnsListFault::lists_everything, "127.0.0.2"}, later + minutes(1)));

  // A disabled list has other intervals.
  for (int i = 0; i < 100; ++i) health.answered(true, later + minutes(1));
  EXPECT_FALSE(health.test_due(later + minutes(5)));
  EXPECT_TRUE(health.test_due(later + minutes(6)));
}

TEST(DnsListHealth, OneUnansweredTestIsNoMoreThanALookup) {
  DnsListHealth health;
  EXPECT_FALSE(health.tested({DnsListFault::no_answer, "timeout"}, t0));
  EXPECT_EQ(health.state(), State::healthy);
  EXPECT_TRUE(health.test_due(t0 + minutes(1)));
  for (unsigned i = 2; i < DnsListHealth::failures_to_set_aside; ++i) {
    EXPECT_FALSE(health.tested({DnsListFault::no_answer, "timeout"}, t0));
  }
  EXPECT_TRUE(health.tested({DnsListFault::no_answer, "timeout"}, t0));
}

TEST(DnsListHealth, NothingCountsBeforeTheFirstTest) {
  DnsListHealth health;
  health.wait_for_test(t0);
  EXPECT_EQ(health.state(), State::set_aside);
  EXPECT_TRUE(health.test_due(t0));
  health.test_begun(t0);
  EXPECT_FALSE(health.test_due(t0 + seconds(1)));
  EXPECT_FALSE(health.tested({}, t0 + seconds(1)));  // nothing to tell
  EXPECT_EQ(health.state(), State::healthy);

  DnsListHealth silent;
  silent.wait_for_test(t0);
  EXPECT_TRUE(silent.tested({DnsListFault::no_answer, "timeout"}, t0));
  EXPECT_EQ(silent.state(), State::set_aside);
}

// A machine boots, and its resolver is up after us.
TEST(DnsListHealth, OneThatNeverAnsweredIsTriedAgainSoon) {
  DnsListHealth health;
  health.wait_for_test(t0);
  SteadyTime now = t0;
  std::vector<long> waits;
  for (int i = 0; i < 6; ++i) {
    health.tested({DnsListFault::no_answer, "timeout"}, now);
    SteadyTime due = now;
    while (!health.test_due(due)) due += seconds(1);
    waits.push_back(std::chrono::duration_cast<seconds>(due - now).count());
    now = due;
  }
  EXPECT_EQ(waits, (std::vector<long>{5, 10, 20, 40, 60, 60}));
  ASSERT_TRUE(health.tested({}, now));
  // What has answered once was reachable: a minute.
  for (unsigned i = 0; i < DnsListHealth::failures_to_set_aside; ++i) {
    health.observe(DnsListFault::no_answer, "timeout", now);
  }
  EXPECT_EQ(health.state(), State::set_aside);
  EXPECT_FALSE(health.test_due(now + seconds(59)));
  EXPECT_TRUE(health.test_due(now + minutes(1)));
  // An error code is an answer: no hurry.
  DnsListHealth refused;
  refused.wait_for_test(t0);
  refused.tested({DnsListFault::error_code, "127.255.255.254"}, t0);
  EXPECT_FALSE(refused.test_due(t0 + minutes(4)));
}

// --- all lists -----------------------------------------------------------------------------------

struct Guarding {
  Guarding() { guard.configure(options, false, t0); }
  Options options{{list("zen", "canary0123456789abcdef.zen.test"), list("bl", "bl.test")}};
  std::vector<std::string> lines;
  DnsListGuard guard{[this](std::string line) { lines.push_back(std::move(line)); }};
};

DnsListResult result_of(std::string name, DnsListCode code, DnsListFault fault = DnsListFault::none,
                        std::string codes = "127.0.0.2") {
  DnsListResult result;
  result.name = std::move(name);
  result.code = code;
  result.fault = fault;
  result.codes = std::move(codes);
  return result;
}

const DnsListStatus& status_of(const std::vector<DnsListStatus>& all, std::string_view name) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.name == name; });
}

TEST(DnsListGuard, NothingCountsWhileAListIsSetAside) {
  Guarding g;
  EXPECT_EQ(g.guard.observe(result_of("zen", DnsListCode::listed), t0).code, DnsListCode::listed);
  g.guard.observe(
      result_of("zen", DnsListCode::set_aside, DnsListFault::error_code, "127.255.255.254"), t0);
  for (int i = 0; i < 100; ++i) {
    const auto counted = g.guard.observe(result_of("zen", DnsListCode::listed), t0);
    EXPECT_EQ(counted.code, DnsListCode::set_aside);
    EXPECT_EQ(counted.fault, DnsListFault::error_code);
  }
  EXPECT_EQ(g.guard.observe(result_of("bl", DnsListCode::listed), t0).code, DnsListCode::listed);
  ASSERT_EQ(g.lines.size(), 1U);
  EXPECT_EQ(g.lines[0],
            "list zen is disabled and nothing counts as listed by it: it answers with an error "
            "code (127.255.255.254): your resolver is a public one, which the list does not serve: "
            "use a resolver of your own, or an access key (DQS) in a list_file");
  const auto all = g.guard.status();
  const auto& zen = status_of(all, "zen");
  EXPECT_TRUE(zen.set_aside);
  EXPECT_EQ(zen.lookups, 102U);
  EXPECT_EQ(zen.listed, 1U);
  EXPECT_EQ(zen.not_counted, 101U);
  EXPECT_EQ(zen.times_set_aside, 1U);

  g.guard.tested("zen", {}, t0 + minutes(12));
  EXPECT_EQ(g.lines.back(), "list zen is in use again after 12 minutes");
  EXPECT_EQ(g.guard.observe(result_of("zen", DnsListCode::listed), t0).code, DnsListCode::listed);
}

TEST(DnsListGuard, EveryWarningSaysWhatToDoAndNoneTellsTheKey) {
  const struct {
    DnsListFault fault;
    const char* answer;
    const char* says;
  } table[] = {
      {DnsListFault::error_code, "127.255.255.254", "a resolver of your own"},
      {DnsListFault::error_code, "127.255.255.255", "get an access key"},
      {DnsListFault::error_code, "127.255.255.252", "misspelt"},
      {DnsListFault::error_code, "127.255.255.1", "ask the operator"},
      {DnsListFault::outside, "8.8.8.8", "remove the list"},
      {DnsListFault::no_answer, "timeout", "your resolver reaches it"},
      {DnsListFault::refused, "servfail", "serves your resolver"},
      {DnsListFault::lists_everything, "127.0.0.2", "would block everybody"},
      {DnsListFault::lists_nothing, "", "self_test = false"},
  };
  for (const auto& each : table) {
    Guarding g;
    g.guard.configure({}, true, t0);
    g.guard.configure(g.options, true, t0);
    g.guard.tested("zen", {each.fault, each.answer, each.fault, each.answer}, t0);
    ASSERT_EQ(g.lines.size(), 1U) << each.answer;
    EXPECT_NE(g.lines[0].find(each.says), std::string::npos) << g.lines[0];
    EXPECT_NE(g.lines[0].find(each.answer), std::string::npos) << g.lines[0];
    EXPECT_EQ(g.lines[0].find("canary"), std::string::npos) << g.lines[0];
  }
}

// The whole way: a list answers every IPv6 name.
TEST(DnsListGuard, AListThatListsAllOfIPv6IsSetAsideForIPv6Alone) {
  Guarding g;
  const auto test = [&](FakeDns dns) { return run(list("bl", "zen.test"), dns); };
  const auto good = FakeDns().a("2.0.0.127.zen.test", "127.0.0.2");
  auto bad = good;
  bad.a(v6_listed, "127.0.0.2").a(v6_not_listed, "127.0.0.2");
  g.guard.tested("bl", test(bad), t0);
  const auto counted = [&](const char* client) {
    auto result = result_of("bl", DnsListCode::listed);
    result.value = client;
    return g.guard.observe(result, t0).code;
  };
  EXPECT_EQ(counted("192.0.2.1"), DnsListCode::listed);
  EXPECT_EQ(counted("2001:db8::1"), DnsListCode::set_aside);
  ASSERT_EQ(g.lines.size(), 1U);
  EXPECT_EQ(
      g.lines[0],
      "list bl is disabled for IPv6 clients, none of whom it lists counts: it lists what no list "
      "may hold (127.0.0.2): it lists ::FFFF:127.0.0.1, so it would block every client with an "
      "IPv6 address; IPv4 clients are looked up as before: tell its operator");
  const auto all = g.guard.status();
  const auto& bl = status_of(all, "bl");
  EXPECT_FALSE(bl.set_aside);
  EXPECT_EQ(bl.aside_for, Whom::v6);
  EXPECT_EQ(bl.fault, DnsListFault::lists_everything);

  // What of IPv6 fails from now on says nothing of IPv4.
  for (unsigned i = 0; i < 2 * DnsListHealth::failures_to_set_aside; ++i) {
    auto silence = result_of("bl", DnsListCode::temperror, DnsListFault::no_answer, "");
    silence.value = "2001:db8::1";
    g.guard.observe(silence, t0);
  }
  EXPECT_EQ(counted("192.0.2.1"), DnsListCode::listed);

  g.guard.tested("bl", test(good), t0 + minutes(12));
  EXPECT_EQ(g.lines.back(), "list bl is in use again for IPv6 clients after 12 minutes");
  EXPECT_EQ(counted("2001:db8::1"), DnsListCode::listed);
}

TEST(DnsListGuard, AReloadKeepsWhatIsKnown) {
  Guarding g;
  g.guard.observe(result_of("bl", DnsListCode::set_aside, DnsListFault::outside, "8.8.8.8"), t0);
  Options next = g.options;
  next.lists.push_back(list("new", "new.test"));
  g.guard.configure(next, true, t0 + seconds(1));
  EXPECT_TRUE(status_of(g.guard.status(), "bl").set_aside);
  EXPECT_FALSE(status_of(g.guard.status(), "zen").set_aside);
  EXPECT_EQ(status_of(g.guard.status(), "new").fault, DnsListFault::untested);
  // An admin reloads after a repair.
  auto due = g.guard.take_due(t0 + seconds(1));
  EXPECT_NE(std::find(due.begin(), due.end(), "bl"), due.end());
  EXPECT_NE(std::find(due.begin(), due.end(), "new"), due.end());
  EXPECT_TRUE(g.guard.take_due(t0 + seconds(2)).empty());  // they are being tested
  // Another zone under the same name is another list.
  next.lists[1] = list("bl", "other.test");
  g.guard.configure(next, true, t0 + seconds(3));
  EXPECT_EQ(status_of(g.guard.status(), "bl").fault, DnsListFault::untested);
}

TEST(DnsListGuard, ARunOfHitsHasTheListTested) {
  Guarding g;
  g.guard.take_due(t0);
  const auto later = t0 + minutes(5);
  for (unsigned i = 0; i < DnsListHealth::hits_to_test; ++i) {
    EXPECT_TRUE(g.guard.take_due(later).empty()) << i;
    g.guard.observe(result_of("zen", DnsListCode::listed), later);
    g.guard.observe(result_of("bl", i == 2 ? DnsListCode::not_listed : DnsListCode::listed), later);
  }
  EXPECT_EQ(g.guard.take_due(later), std::vector<std::string>{"zen"});
  g.guard.tested("zen", {DnsListFault::lists_everything, "127.0.0.2"}, later);
  EXPECT_EQ(g.guard.observe(result_of("zen", DnsListCode::listed), later).code,
            DnsListCode::set_aside);
}

TEST(DnsListGuard, AResultOfAListThatIsGoneStaysAsItIs) {
  Guarding g;
  EXPECT_EQ(g.guard.observe(result_of("gone", DnsListCode::listed), t0).code, DnsListCode::listed);
  g.guard.tested("gone", {DnsListFault::outside, "8.8.8.8"}, t0);
  EXPECT_TRUE(g.lines.empty());
}

TEST(DnsListGuard, AListOnNamesThatNeverComeIsReportedOnce) {
  Options options{{list("dbl", "dbl.test", DnsListKind::rhsbl),
                   list("helos", "helo.test", DnsListKind::rhsbl), list("zen", "zen.test")}};
  options.lists[1].on = {DnsListOn::helo};
  std::vector<std::string> lines;
  DnsListGuard guard([&](std::string line) { lines.push_back(std::move(line)); });
  guard.configure(options, false, t0);
  const auto come = [&](unsigned nameless) {
    for (unsigned i = 0; i < nameless; ++i) guard.client_came(false);
  };
  come(DnsListGuard::nameless_clients_to_warn - 1);
  guard.client_came(true);
  come(DnsListGuard::nameless_clients_to_warn - 1);
  EXPECT_TRUE(lines.empty());
  come(1000);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("client_name of dbl is dead: ")) << lines[0];

  // Nothing to say where no list asks for them.
  options.lists.erase(options.lists.begin());
  guard.configure(options, false, t0);
  guard.client_came(true);
  come(1000);
  EXPECT_EQ(lines.size(), 1U);
}

}  // namespace
}  // namespace sekisho::test
