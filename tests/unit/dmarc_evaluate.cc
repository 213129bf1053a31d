#include "dmarc/evaluate.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "dmarc/public_suffix_list.h"
#include "support/dmarc_cases.h"

namespace sekisho::test {
namespace {

const dmarc::PublicSuffixList& suffixes() {
  static const auto list = dmarc::PublicSuffixList::load(data_path("dmarc/suffixes.dat")).value();
  return list;
}

dmarc::Options options_of(const nlohmann::json& given) {
  if (given.value("discovery", "treewalk") == "psl") return {dmarc::Discovery::psl, &suffixes()};
  return {};
}

mail::DomainName name(std::string_view text) { return mail::DomainName::parse(text).value(); }

dmarc::Result evaluate(const dmarc::Inputs& inputs, FakeDns& dns, bool hints = true,
                       int* rounds = nullptr, const dmarc::Options& options = {}) {
  return run_to_end(
      [&](const dns::Answers& answers) { return dmarc::evaluate(inputs, answers, options); }, dns,
      hints, rounds);
}

TEST(DmarcEvaluate, Cases) {
  const auto table = read_json(data_path("dmarc/evaluation.json"));
  EXPECT_GE(table.at("cases").size(), 60U);
  for (const auto& given : table.at("cases")) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    for (const bool hints : {true, false}) {
      FakeDns dns = dns_of(given.at("dns"));
      const auto result = evaluate(inputs_of(given), dns, hints, nullptr, options_of(given));
      const auto got = described(result);
      EXPECT_TRUE(agrees(got, given)) << "got " << got << "\nexpected " << given["expect"];
      if (given.contains("queries")) {
        EXPECT_EQ(nlohmann::json(result.queries), given["queries"]);
      }
    }
  }
}

// The result must not depend on the order in which the answers come in.
TEST(DmarcEvaluate, AnswersOneByOneGiveTheSame) {
  const auto table = read_json(data_path("dmarc/evaluation.json"));
  for (const auto& given : table.at("cases")) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    const auto inputs = inputs_of(given);
    const auto options = options_of(given);
    FakeDns dns = dns_of(given.at("dns"));
    const auto whole = evaluate(inputs, dns, true, nullptr, options);
    dns::Answers answers;
    auto evaluation = dmarc::evaluate(inputs, answers, options);
    for (int steps = 0; !evaluation.done() && steps < 200; ++steps) {
      ASSERT_FALSE(evaluation.needed.empty());
      const auto last = evaluation.needed.back();  // the far end first
      answers.add(last, dns.answer(last));
      evaluation = dmarc::evaluate(inputs, answers, options);
    }
    ASSERT_TRUE(evaluation.done());
    EXPECT_EQ(described(*evaluation.result), described(whole));
    EXPECT_EQ(evaluation.result->queries, whole.queries);
  }
}

TEST(DmarcEvaluate, AWalkIsAskedAllAtOnce) {
  FakeDns dns;
  dns.txt("_dmarc.shop.test", "v=DMARC1; p=reject");
  int rounds = 0;
  const dmarc::Inputs inputs{
      name("a.b.c.shop.test"),
      dmarc::Identifier{name("x.y.shop.test"), dmarc::Identifier::State::pass},
      {{name("k.shop.test"), dmarc::Identifier::State::pass}}};
  const auto result = evaluate(inputs, dns, true, &rounds);
  EXPECT_TRUE(result.aligned_spf);
  EXPECT_TRUE(result.aligned_dkim);
  EXPECT_EQ(rounds, 1) << "the walks of the identifiers were hints of the first round";
  EXPECT_EQ(dns.asked.size(), 5U);
}

TEST(DmarcEvaluate, AsksNothingForIdentifiersThatCannotAlign) {
  struct Row {
    const char* what;
    const char* record;
    dmarc::Identifier identifier;
  };
  using State = dmarc::Identifier::State;
  const Row rows[] = {
      {"it failed", "v=DMARC1; p=reject", {name("k.shop.test"), State::other}},
      {"it is the author", "v=DMARC1; p=reject", {name("shop.test"), State::pass}},
      {"it is elsewhere", "v=DMARC1; p=reject", {name("k.list.example"), State::pass}},
      {"it is a neighbour", "v=DMARC1; p=reject", {name("k.other.test"), State::pass}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    FakeDns dns;
    dns.txt("_dmarc.shop.test", row.record);
    evaluate({name("shop.test"), row.identifier, {row.identifier}}, dns);
    EXPECT_EQ(dns.asked.size(), 2U);
    EXPECT_TRUE(dns.hinted.empty());
  }
}

TEST(DmarcEvaluate, StrictAlignmentNeedsNoWalkOfTheIdentifier) {
  FakeDns dns;
  dns.txt("_dmarc.shop.test", "v=DMARC1; p=reject; adkim=s");
  const dmarc::Identifier signature{name("a.b.shop.test"), dmarc::Identifier::State::pass};
  evaluate({name("shop.test"), std::nullopt, {signature}}, dns, false);
  EXPECT_EQ(dns.asked.size(), 2U);
}

TEST(DmarcEvaluate, ExistenceIsAskedOnlyWhereNpCounts) {
  const auto asks_addresses = [](const std::string& author, const std::string& record,
                                 dmarc::Identifier::State state = dmarc::Identifier::State::other) {
    FakeDns dns;
    dns.txt("_dmarc.shop.test", record);
    evaluate({name(author), std::nullopt, {{name(author), state}}}, dns);
    return std::any_of(dns.asked.begin(), dns.asked.end(),
                       [](const dns::Question& each) { return each.type != dns::Type::txt; });
  };
  const std::string np = "v=DMARC1; p=none; np=reject";
  EXPECT_TRUE(asks_addresses("a.shop.test", np));
  EXPECT_FALSE(asks_addresses("a.shop.test", "v=DMARC1; p=none; sp=reject"));
  EXPECT_FALSE(asks_addresses("shop.test", np));
  EXPECT_FALSE(asks_addresses("a.shop.test", np, dmarc::Identifier::State::pass));
}

TEST(DmarcEvaluate, WalkQuestionsAreThoseOfTheWalk) {
  std::vector<std::string> asked;
  for (const auto& question : dmarc::walk_questions(name("a.shop.co.test"), {})) {
    asked.push_back(to_string(question));
  }
  EXPECT_EQ(asked, (std::vector<std::string>{"_dmarc.a.shop.co.test TXT", "_dmarc.shop.co.test TXT",
                                             "_dmarc.co.test TXT", "_dmarc.test TXT"}));
  EXPECT_EQ(
      dmarc::walk_questions(name("a.shop.co.test"), {dmarc::Discovery::psl, &suffixes()}).size(),
      2U);
}

TEST(DmarcPublicSuffixList, AFileThatIsNoListIsAnError) {
  EXPECT_FALSE(dmarc::PublicSuffixList::load(data_path("dmarc/no-such-file")));
  const auto system = dmarc::PublicSuffixList::load("");
  ASSERT_TRUE(system) << system.error().what;
  EXPECT_EQ(system->organizational_domain(name("a.b.example.co.uk")), name("example.co.uk"));
  EXPECT_TRUE(system->is_public_suffix(name("co.uk")));
}

// Attacks and broken senders, by name.

std::string labels(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "l" + std::to_string(i) + ".";
  return text + "shop.test";
}

TEST(DmarcHostile, FortyLabelsAreEightQuestions) {
  FakeDns dns;
  dns.txt("_dmarc.shop.test", "v=DMARC1; p=reject");
  const auto result = evaluate({name(labels(38)), std::nullopt, {}}, dns);
  EXPECT_EQ(dns.asked.size(), 8U);
  EXPECT_EQ(result.policy_domain, "shop.test");
}

TEST(DmarcHostile, ManySignaturesOfDeepDomainsStayWithinTheirWalks) {
  FakeDns dns;
  dns.txt("_dmarc.shop.test", "v=DMARC1; p=reject");
  dmarc::Inputs inputs{name("shop.test"), std::nullopt, {}};
  for (int i = 0; i < 10; ++i) {
    inputs.dkim.push_back(
        {name("n" + std::to_string(i) + "." + labels(30)), dmarc::Identifier::State::temperror});
  }
  EXPECT_EQ(evaluate(inputs, dns).code, dmarc::Code::temperror);
  // The ten walks differ in their first name alone, and are asked once.
  EXPECT_LE(dns.asked.size() + dns.hinted.size(), 2U + 10U + 7U);
}

// A message names as many domains as it likes, each with names of its own: three of them are
// walked.
TEST(DmarcHostile, NoMoreThanThreeDomainsAreWalked) {
  using State = dmarc::Identifier::State;
  for (const auto state : {State::pass, State::temperror}) {
    FakeDns dns;
    dns.txt("_dmarc.shop.test", "v=DMARC1; p=reject");
    for (int i = 0; i < 20; ++i) {
      dns.txt("_dmarc.n" + std::to_string(i) + ".shop.test", "v=DMARC1; p=none; psd=n");
    }
    dmarc::Inputs inputs{name("shop.test"), std::nullopt, {}};
    for (int i = 0; i < 20; ++i) {
      inputs.dkim.push_back({name("a.b.c.d.e.n" + std::to_string(i) + ".shop.test"), state});
    }
    EXPECT_EQ(evaluate(inputs, dns).code, dmarc::Code::fail);
    EXPECT_LE(dns.asked.size() + dns.hinted.size(), 2U + 3U * 6U);
  }
}

// What a temperror is worth: what could have been asked, and what is if the DNS never answers.
struct Worth {
  const char* what;
  const char* author;
  std::optional<dmarc::Identifier> spf;
  std::vector<std::pair<const char*, const char*>> records;
  std::vector<const char*> failing;
  dmarc::Policy could_ask;
  dmarc::Policy asks_anyway;
  bool aligned = false;
};

dmarc::Identifier of(const char* domain, dmarc::Identifier::State state) {
  return {name(domain), state};
}

using State = dmarc::Identifier::State;
using enum dmarc::Policy;

const Worth temperrors[] = {
    {"nothing is known", "shop.test", {}, {}, {"_dmarc.shop.test"}, reject, none},
    {"nothing is known, and it would have passed",
     "shop.test",
     of("shop.test", State::pass),
     {},
     {"_dmarc.shop.test"},
     none,
     none,
     true},
    {"a record above it",
     "a.shop.test",
     {},
     {{"_dmarc.shop.test", "v=DMARC1; p=quarantine"}},
     {"_dmarc.a.shop.test"},
     reject,
     quarantine},
    {"a record above it, whose sp asks for nothing",
     "a.shop.test",
     {},
     {{"_dmarc.shop.test", "v=DMARC1; p=reject; sp=none"}},
     {"_dmarc.a.shop.test"},
     reject,
     none},
    {"a record above it, and its own domain passes",
     "a.shop.test",
     of("shop.test", State::pass),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject"}},
     {"_dmarc.a.shop.test"},
     reject,
     none},
    {"a name between",
     "a.b.shop.test",
     of("shop.test", State::pass),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject"}},
     {"_dmarc.b.shop.test"},
     reject,
     none},
    {"the top, and nothing passes",
     "a.shop.test",
     {},
     {{"_dmarc.shop.test", "v=DMARC1; p=reject"}},
     {"_dmarc.test"},
     reject,
     reject},
    {"the top, and the organisation passes",
     "a.shop.test",
     of("shop.test", State::pass),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject"}},
     {"_dmarc.test"},
     none,
     none,
     true},
    {"the top, and the organisation passes where it must be exact",
     "a.shop.test",
     of("shop.test", State::pass),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject; aspf=s"}},
     {"_dmarc.test"},
     reject,
     reject},
    {"the top, and the record is not right below it",
     "x.a.shop.test",
     of("a.shop.test", State::pass),
     {{"_dmarc.a.shop.test", "v=DMARC1; p=reject"}},
     {"_dmarc.test"},
     reject,
     none},
    {"the top and the author",
     "a.shop.test",
     of("shop.test", State::pass),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject"}},
     {"_dmarc.test", "_dmarc.a.shop.test"},
     reject,
     none},
    {"SPF, of a policy that asks",
     "shop.test",
     of("b.shop.test", State::temperror),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject"}},
     {},
     reject,
     reject},
    {"SPF, of a policy that asks for nothing",
     "shop.test",
     of("b.shop.test", State::temperror),
     {{"_dmarc.shop.test", "v=DMARC1; p=none"}},
     {},
     none,
     none},
    {"SPF, of a policy under test",
     "shop.test",
     of("b.shop.test", State::temperror),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject; t=y"}},
     {},
     quarantine,
     quarantine},
    {"the walk of a domain that passes",
     "shop.test",
     of("k.shop.test", State::pass),
     {{"_dmarc.shop.test", "v=DMARC1; p=reject"}},
     {"_dmarc.k.shop.test"},
     reject,
     none},
    {"whether the author exists",
     "dark.shop.test",
     {},
     {{"_dmarc.shop.test", "v=DMARC1; p=none; sp=quarantine; np=reject"}},
     {"dark.shop.test"},
     reject,
     reject},
};

TEST(DmarcEvaluate, TemperrorTellsWhatItIsWorth) {
  for (const Worth& row : temperrors) {
    SCOPED_TRACE(row.what);
    FakeDns dns;
    for (const auto& [where, text] : row.records) dns.txt(where, text);
    for (const char* where : row.failing) dns.error(where);
    const auto result = evaluate({name(row.author), row.spf, {}}, dns);
    EXPECT_EQ(result.code, dmarc::Code::temperror);
    ASSERT_TRUE(result.could_ask && result.asks_anyway);
    EXPECT_EQ(to_string(*result.could_ask), to_string(row.could_ask));
    EXPECT_EQ(to_string(*result.asks_anyway), to_string(row.asks_anyway));
    EXPECT_EQ(result.aligned_spf, row.aligned);
  }
}

// By the public suffix list there is one name that may fail above the author, and no exact match
// for a suffix.
TEST(DmarcEvaluate, TemperrorTellsWhatItIsWorthByTheSuffixListToo) {
  const dmarc::Options options{dmarc::Discovery::psl, &suffixes()};
  FakeDns dns;
  dns.txt("_dmarc.shop.co.test", "v=DMARC1; p=reject").error("_dmarc.a.shop.co.test");
  dns.error("_dmarc.co.test");
  const auto below =
      evaluate({name("a.shop.co.test"), std::nullopt, {}}, dns, true, nullptr, options);
  EXPECT_EQ(below.could_ask, dmarc::Policy::reject);
  EXPECT_EQ(below.asks_anyway, dmarc::Policy::reject);
  const dmarc::Identifier exact{name("a.shop.co.test"), State::pass};
  EXPECT_EQ(evaluate({exact.domain, exact, {}}, dns, true, nullptr, options).could_ask,
            dmarc::Policy::none);
  const dmarc::Identifier suffix{name("co.test"), State::pass};
  const auto of_suffix = evaluate({suffix.domain, suffix, {}}, dns, true, nullptr, options);
  EXPECT_EQ(of_suffix.could_ask, dmarc::Policy::reject);
  EXPECT_FALSE(of_suffix.aligned_spf);
}

TEST(DmarcHostile, NameTooLongForARecordIsSkipped) {
  std::string long_name;
  while (long_name.size() < 240) long_name += "abcdefghi.";
  FakeDns dns;
  dns.txt("_dmarc.shop.test", "v=DMARC1; p=reject");
  const auto result = evaluate({name(long_name + "shop.test"), std::nullopt, {}}, dns);
  EXPECT_EQ(result.code, dmarc::Code::fail);
  EXPECT_EQ(result.policy_domain, "shop.test");
  EXPECT_EQ(result.queries.size(), 7U) << "`_dmarc.` does not fit in front of the author";
}

// HELO=good.example passes SPF, MAIL FROM=<x@victim> does not: only the MAIL FROM identity is an
// input.
TEST(DmarcHostile, HeloPassDoesNotCountForMailFrom) {
  FakeDns dns;
  dns.txt("_dmarc.victim.test", "v=DMARC1; p=reject");
  for (const auto state : {dmarc::Identifier::State::other, dmarc::Identifier::State::temperror}) {
    const auto result =
        evaluate({name("victim.test"), dmarc::Identifier{name("victim.test"), state}, {}}, dns);
    EXPECT_NE(result.code, dmarc::Code::pass);
    EXPECT_FALSE(result.aligned_spf);
  }
}

TEST(DmarcHostile, CnameLoopIsTemperror) {
  FakeDns dns;
  dns.cname("_dmarc.shop.test", "_dmarc.loop.test");
  dns.cname("_dmarc.loop.test", "_dmarc.shop.test");
  EXPECT_EQ(evaluate({name("shop.test"), std::nullopt, {}}, dns).code, dmarc::Code::temperror);
}

TEST(DmarcHostile, VersionNotFirstIsNone) {
  FakeDns dns;
  dns.txt("_dmarc.shop.test", "p=reject; v=DMARC1");
  EXPECT_EQ(evaluate({name("shop.test"), std::nullopt, {}}, dns).code, dmarc::Code::none);
}

TEST(DmarcHostile, TenThousandRecordsAtOneNameAreDiscarded) {
  FakeDns dns;
  for (int i = 0; i < 10'000; ++i)
    dns.txt("_dmarc.shop.test", "v=DMARC1; p=none; x=" + std::to_string(i));
  EXPECT_EQ(evaluate({name("shop.test"), std::nullopt, {}}, dns).code, dmarc::Code::none);
}

// d=co.uk for x@co.uk and x@shop.co.uk: by the public suffix list nothing aligns with a suffix.
TEST(DmarcHostile, PublicSuffixNeverAligns) {
  const dmarc::Options options{dmarc::Discovery::psl, &suffixes()};
  for (const char* author : {"co.test", "shop.co.test", "a.shop.co.test"}) {
    for (const char* mode : {"r", "s"}) {
      SCOPED_TRACE(std::string(author) + " " + mode);
      FakeDns dns;
      const std::string record =
          std::string("v=DMARC1; p=reject; adkim=") + mode + "; aspf=" + mode;
      dns.txt("_dmarc.co.test", record).txt("_dmarc.shop.co.test", record);
      const dmarc::Identifier suffix{name("co.test"), dmarc::Identifier::State::pass};
      const auto result = evaluate({name(author), suffix, {suffix}}, dns, true, nullptr, options);
      EXPECT_EQ(result.code, dmarc::Code::fail);
    }
  }
}

}  // namespace
}  // namespace sekisho::test
