// How many round trips an evaluation costs, and which questions it asks for.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/fake_dns.h"
#include "support/spf_cases.h"

namespace sekisho::test {

namespace {

struct Evaluated {
  spf::Result result;
  int rounds = 0;
  FakeDns dns;

  std::size_t txt_questions() const {
    const auto is_txt = [](const dns::Question& q) { return q.type == dns::Type::txt; };
    return static_cast<std::size_t>(std::count_if(dns.asked.begin(), dns.asked.end(), is_txt) +
                                    std::count_if(dns.hinted.begin(), dns.hinted.end(), is_txt));
  }
  bool asked_for(dns::Type type) const {
    const auto is_type = [type](const dns::Question& q) { return q.type == type; };
    return std::any_of(dns.asked.begin(), dns.asked.end(), is_type) ||
           std::any_of(dns.hinted.begin(), dns.hinted.end(), is_type);
  }
};

Evaluated run(const FakeDns& zone, const std::string& client = "192.0.2.7",
              const std::string& mail_from = "u@s.test", bool answer_hints = true) {
  Evaluated out;
  out.dns = zone;
  const auto query = spf::mail_from_query(mail::IpAddress::parse(client).value(), "helo.test",
                                          mail_from, "mx.receiver.test", {});
  out.result =
      run_to_end([&](const dns::Answers& answers) { return spf::check_host(query, answers, {}); },
                 out.dns, answer_hints, &out.rounds);
  return out;
}

// A tree of records `width` includes wide and `depth` deep, whose leaves match nothing.
FakeDns include_tree(int width, int depth) {
  FakeDns zone;
  std::vector<std::string> level = {"s.test"};
  for (int d = 0; d < depth; ++d) {
    std::vector<std::string> next;
    for (const std::string& name : level) {
      std::string record = "v=spf1";
      for (int i = 0; i < width; ++i) {
        next.push_back("i" + std::to_string(i) + "." + name);
        record += " include:" + next.back();
      }
      zone.txt(name, record + " ?all");
    }
    level = std::move(next);
  }
  for (const std::string& name : level) zone.txt(name, "v=spf1 ip4:198.51.100.1 ?all");
  return zone;
}

TEST(SpfLatency, OwnAddressAndMxCostNoFurtherRound) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 a mx -all").a("s.test", "192.0.2.7").mx("s.test", 1, "m.test");
  EXPECT_EQ(run(zone).rounds, 1);
  zone.a("m.test", "192.0.2.8").a("m.test", "192.0.2.9");
  const Evaluated by_mx = run(zone, "192.0.2.9");
  EXPECT_EQ(by_mx.result.code, spf::Code::pass);
  EXPECT_EQ(by_mx.rounds, 2);
}

TEST(SpfLatency, FirstRunHintsOnlyMxAndAddressOfTheDomain) {
  const auto query = spf::mail_from_query(mail::IpAddress::parse("2001:db8::7").value(),
                                          "helo.test", "u@s.test", "r.test", {});
  const auto evaluation = spf::check_host(query, dns::Answers{}, {});
  const auto name = dns::Name::from("s.test").value();
  EXPECT_FALSE(evaluation.done());
  EXPECT_EQ(evaluation.needed, (std::vector<dns::Question>{{name, dns::Type::txt}}));
  EXPECT_EQ(evaluation.hints,
            (std::vector<dns::Question>{{name, dns::Type::mx}, {name, dns::Type::aaaa}}));
}

TEST(SpfLatency, AllMxHostsAreAskedTogether) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 mx:other.test -all");
  for (unsigned i = 0; i < 10; ++i) {
    const std::string host = "h" + std::to_string(i) + ".test";
    zone.mx("other.test", i, host).a(host, "198.51.100." + std::to_string(i));
  }
  const Evaluated result = run(zone, "198.51.100.9");
  EXPECT_EQ(result.result.code, spf::Code::pass);
  EXPECT_EQ(result.rounds, 3);  // the record, the MX, their addresses
}

TEST(SpfLatency, IncludesOfARecordAreAskedTogether) {
  FakeDns zone;
  zone.txt(
      "s.test",
      "v=spf1 include:a.test include:b.test include:c.test include:d.test include:e.test -all");
  for (const char* name : {"a.test", "b.test", "c.test", "d.test"}) {
    zone.txt(name, "v=spf1 ip4:198.51.100.0/24 -all");
  }
  zone.txt("e.test", "v=spf1 ip4:192.0.2.7 -all");
  EXPECT_EQ(run(zone).rounds, 2);
  const Evaluated plain = run(zone, "192.0.2.7", "u@s.test", false);
  EXPECT_EQ(plain.rounds, 6);
  EXPECT_EQ(plain.result.code, spf::Code::pass);
}

TEST(SpfLatency, IncludesThreeDeepCostOneRoundEach) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 a mx include:a.test mx:x.test -all").a("s.test", "198.51.100.1");
  zone.txt("a.test", "v=spf1 a:y.test include:b.test exists:z.test ?all");
  zone.txt("b.test", "v=spf1 ip4:198.51.100.1 include:c.test ?all");
  zone.txt("c.test", "v=spf1 ip4:192.0.2.7 ?all").a("y.test", "198.51.100.1");
  const Evaluated result = run(zone);
  EXPECT_EQ(result.result.code, spf::Code::pass);
  EXPECT_LE(result.rounds, 4);
}

TEST(SpfLatency, ExplanationIsAskedBesideTheLastLookups) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 a:x.test mx:y.test -all exp=why.test").txt("why.test", "no");
  zone.a("x.test", "198.51.100.1");
  const Evaluated result = run(zone);
  EXPECT_EQ(result.result.explanation, "no");
  EXPECT_EQ(result.rounds, 2);
}

TEST(SpfLatency, RedirectAndMacroNamesAreHinted) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 a:x.test exists:%{ir}.list.test redirect=_r.%{d}");
  zone.a("x.test", "198.51.100.1").exists("7.2.0.192.list.test").txt("_r.s.test", "v=spf1 -all");
  EXPECT_EQ(run(zone).rounds, 2);
}

TEST(SpfLatency, OnlyTheFamilyOfTheClientIsAsked) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 a mx a:b.test -all").mx("s.test", 1, "m.test");
  const Evaluated v6 = run(zone, "2001:db8::7");
  EXPECT_FALSE(v6.asked_for(dns::Type::a));
  EXPECT_TRUE(v6.asked_for(dns::Type::aaaa));
  EXPECT_FALSE(run(zone).asked_for(dns::Type::aaaa));
}

TEST(SpfLatency, NothingIsHintedBehindASureMatch) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 a:x.test ip4:192.0.2.7 a:y.test include:z.test -all");
  const Evaluated result = run(zone);
  EXPECT_EQ(result.result.code, spf::Code::pass);
  const auto is_name = [](std::string_view name) {
    return [name](const dns::Question& q) { return q.name.text() == name; };
  };
  EXPECT_TRUE(std::none_of(result.dns.hinted.begin(), result.dns.hinted.end(), is_name("y.test")));
  EXPECT_TRUE(std::none_of(result.dns.hinted.begin(), result.dns.hinted.end(), is_name("z.test")));
}

// A failed answer that the sequential reading does not come to is no error.
TEST(SpfLatency, FailedHintsDoNotCount) {
  FakeDns zone;
  zone.txt("s.test", "v=spf1 include:a.test include:slow.test mx:slow.test -all");
  zone.txt("a.test", "v=spf1 ip4:192.0.2.7").error("slow.test");
  const Evaluated result = run(zone);
  EXPECT_EQ(result.result.code, spf::Code::pass);
  EXPECT_EQ(result.rounds, 2);
  EXPECT_EQ(run(zone, "192.0.2.8").result.code, spf::Code::temperror);
}

// RFC 7208 §4.6.4: hints too stay within the limit where a policy shows that it does not fit.
TEST(SpfLatency, IncludeTreeOfNineByNineByNineAsksElevenRecords) {
  const Evaluated result = run(include_tree(9, 3));
  EXPECT_EQ(result.result.code, spf::Code::permerror);
  EXPECT_EQ(result.result.reason, "more than 10 DNS lookups");
  EXPECT_LE(result.txt_questions(), 11U);
}

TEST(SpfLatency, IncludeTreesOfAnyWidthAskFewRecords) {
  for (int width = 2; width <= 12; ++width) {
    const Evaluated result = run(include_tree(width, 3));
    EXPECT_EQ(result.result.code, spf::Code::permerror) << width;
    // The record and ten terms, and at most four includes that were hinted in vain.
    EXPECT_LE(result.txt_questions(), 15U) << width;
  }
}

TEST(SpfLatency, HintsAndTermsOfOneRecordStayWithinTheLimit) {
  FakeDns zone;
  std::string record = "v=spf1";
  for (int i = 0; i < 30; ++i) record += " a:n" + std::to_string(i) + ".test";
  zone.txt("s.test", record + " -all");
  for (int i = 0; i < 30; ++i) zone.a("n" + std::to_string(i) + ".test", "198.51.100.1");
  const Evaluated result = run(zone);
  EXPECT_EQ(result.result.code, spf::Code::permerror);
  EXPECT_EQ(result.rounds, 2);
  EXPECT_LE(result.dns.asked.size() + result.dns.hinted.size(), 1U + 2U + 10U);
}

}  // namespace

}  // namespace sekisho::test
