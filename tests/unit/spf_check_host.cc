// check_host() on the cases in tests/data/spf, each with its hints answered and without.
#include <gtest/gtest.h>

#include "support/spf_cases.h"

namespace sekisho::test {

namespace {

std::vector<SpfCase> cases(const std::string& file) {
  return load_spf_cases(data_path("spf/" + file + ".json"), false);
}

class SpfCheckHost : public testing::TestWithParam<SpfCase> {};

TEST_P(SpfCheckHost, Case) { expect_spf(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Initial, SpfCheckHost, testing::ValuesIn(cases("initial")), spf_case_name);
INSTANTIATE_TEST_SUITE_P(Syntax, SpfCheckHost, testing::ValuesIn(cases("syntax")), spf_case_name);
INSTANTIATE_TEST_SUITE_P(Mechanisms, SpfCheckHost, testing::ValuesIn(cases("mechanisms")),
                         spf_case_name);
INSTANTIATE_TEST_SUITE_P(OtherDomains, SpfCheckHost, testing::ValuesIn(cases("other_domains")),
                         spf_case_name);
INSTANTIATE_TEST_SUITE_P(Macros, SpfCheckHost, testing::ValuesIn(cases("macros")), spf_case_name);
INSTANTIATE_TEST_SUITE_P(Limits, SpfCheckHost, testing::ValuesIn(cases("limits")), spf_case_name);

TEST(SpfResult, KeepsScopeAndDomain) {
  FakeDns dns;
  dns.txt("sender.test", "v=spf1 -all");
  const auto client = mail::IpAddress::parse("192.0.2.7").value();
  const auto run = [&](const spf::Query& query) {
    return run_to_end(
        [&](const dns::Answers& answers) { return spf::check_host(query, answers, {}); }, dns);
  };
  const auto mfrom = run(spf::mail_from_query(client, "mx.test", "u@SENDER.test", "r.test", {}));
  EXPECT_EQ(mfrom.scope, spf::Scope::mfrom);
  EXPECT_EQ(mfrom.domain, "sender.test");
  const auto helo = run(spf::helo_query(client, "Sender.Test.", "r.test", {}));
  EXPECT_EQ(helo.scope, spf::Scope::helo);
  EXPECT_EQ(helo.domain, "sender.test");
  EXPECT_EQ(helo.code, spf::Code::fail);
  const auto none = run(spf::helo_query(client, "[192.0.2.7]", "r.test", {}));
  EXPECT_EQ(none.domain, "");
  EXPECT_EQ(none.code, spf::Code::none);
}

TEST(SpfResult, LimitsAreOptions) {
  FakeDns dns;
  dns.txt("s.test", "v=spf1 a:x1.test a:x2.test mx:m.test -all exp=why.test")
      .txt("why.test", "why");
  dns.mx("m.test", 1, "h1.test").mx("m.test", 2, "h2.test").a("h2.test", "192.0.2.7");
  const auto query = spf::mail_from_query(mail::IpAddress::parse("192.0.2.7").value(), "h.test",
                                          "u@s.test", "r", {});
  const auto run = [&](const spf::Options& options) {
    return run_to_end(
        [&](const dns::Answers& answers) { return spf::check_host(query, answers, options); }, dns);
  };
  EXPECT_EQ(run({}).code, spf::Code::pass);
  EXPECT_EQ(run({.max_lookups = 2}).reason, "more than 2 DNS lookups");
  EXPECT_EQ(run({.max_void_lookups = 1}).code, spf::Code::permerror);
  EXPECT_EQ(run({.max_mx_names = 1}).reason, "m.test has more than 1 MX names");
}

TEST(SpfResult, ExplanationIsFetchedOnlyWhenWanted) {
  FakeDns dns;
  dns.txt("s.test", "v=spf1 -all exp=why.test").txt("why.test", "because");
  const auto query = spf::mail_from_query(mail::IpAddress::parse("192.0.2.7").value(), "h.test",
                                          "u@s.test", "r", {});
  const auto run = [&](bool fetch) {
    return run_to_end(
        [&](const dns::Answers& answers) {
          return spf::check_host(query, answers, {.fetch_explanation = fetch});
        },
        dns);
  };
  EXPECT_EQ(run(false).explanation, "");
  EXPECT_EQ(dns.asked.size(), 1U);
  EXPECT_EQ(run(true).explanation, "because");
}

}  // namespace

}  // namespace sekisho::test
