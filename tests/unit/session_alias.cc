// An Author Domain that is an alias, behind an MTA that delivers what it leads to: judged is what a
// user will read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "record/json.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using mail::Mta;
using test::Gate;
using test::HeldResolver;
using test::Letter;

const char* const zone = R"(
mx.a.example.         A     192.0.2.10
mx.a.example.         TXT   "v=spf1 a -all"
a.example.            A     192.0.2.10
a.example.            TXT   "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.     TXT   "v=DMARC1; p=reject"
alias.a.example.      CNAME victim.example.
own.a.example.        CNAME news.a.example.
news.a.example.       A     192.0.2.10
dead.a.example.       CNAME down.example.
;!timeout down.example
victim.example.       MX    10 mx.victim.example.
_dmarc.victim.example. TXT  "v=DMARC1; p=quarantine"
)";

Letter letter(const std::string& domain, Mta mta) {
  Letter out;
  out.fields = {{"From", " ceo@" + domain}, {"Subject", " x"}};
  out.mta = mta;
  return out;
}

Outcome judged(const std::string& domain, Mta mta) {
  return Gate(test::snapshot_on_zone(zone)).judge(letter(domain, mta));
}

}  // namespace

class AliasBehind : public testing::TestWithParam<Mta> {};

TEST_P(AliasBehind, IsJudgedAsTheDomainThatItLeadsTo) {
  const auto outcome = judged("alias.a.example", GetParam());
  const auto& dmarc = outcome.facts.dmarc;
  EXPECT_EQ(dmarc.code, dmarc::Code::fail);
  EXPECT_EQ(dmarc.from, "victim.example");
  EXPECT_EQ(dmarc.alias, "alias.a.example");
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::quarantine);
  EXPECT_THAT(outcome.authentication_results, testing::HasSubstr("header.from=victim.example"));
  EXPECT_THAT(outcome.authentication_results, testing::HasSubstr("alias.a.example"));
  const auto record = record::to_json(outcome);
  EXPECT_EQ(record["dmarc"]["alias"], "alias.a.example");
  EXPECT_EQ(record["dmarc"]["from"], "victim.example");
}

TEST_P(AliasBehind, OfOnesOwnIsProvenForItsTarget) {
  const auto outcome = judged("own.a.example", GetParam());
  EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::pass);
  EXPECT_EQ(outcome.facts.dmarc.from, "news.a.example");
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::accept);
}

// sendmail itself cannot deliver it now, and what it will be told when it tries again is the
// sender's to choose.
TEST_P(AliasBehind, WhoseTargetDoesNotAnswerProvesNothing) {
  const auto outcome = judged("dead.a.example", GetParam());
  EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::temperror);
  EXPECT_THAT(outcome.facts.dmarc.reason, testing::HasSubstr("alias"));
  EXPECT_NE(outcome.verdict.message.action, policy::Action::accept);
}

INSTANTIATE_TEST_SUITE_P(All, AliasBehind, testing::Values(Mta::sendmail, Mta::unknown));

class AliasIgnoredBy : public testing::TestWithParam<Mta> {};

TEST_P(AliasIgnoredBy, StaysWhatStandsInFrom) {
  const auto outcome = judged("alias.a.example", GetParam());
  EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::pass);
  EXPECT_EQ(outcome.facts.dmarc.from, "alias.a.example");
  EXPECT_EQ(outcome.facts.dmarc.alias, "");
  EXPECT_EQ(judged("dead.a.example", GetParam()).facts.dmarc.code, dmarc::Code::pass);
}

INSTANTIATE_TEST_SUITE_P(All, AliasIgnoredBy, testing::Values(Mta::postfix, Mta::own));

TEST(Alias, IsAskedForBesideTheWalk) {
  auto snapshot = test::snapshot_on_zone(zone);
  const auto held = std::make_shared<HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  Gate gate(std::move(snapshot));
  const auto rounds = [&](const std::string& domain, Mta mta) {
    const auto session = gate.session();
    const auto mail = letter(domain, mta);
    test::greet(*session, mail);
    std::optional<Outcome> outcome;
    test::send(*session, mail);
    session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
    int count = 0;
    while (!outcome && held->answer_all()) {
      gate.queue().run_until([] { return false; }, steady_now());
      ++count;
    }
    EXPECT_TRUE(outcome);
    return count;
  };
  const int without = rounds("a.example", Mta::postfix);
  EXPECT_EQ(rounds("news.a.example", Mta::sendmail), without);
}

}  // namespace sekisho::session
