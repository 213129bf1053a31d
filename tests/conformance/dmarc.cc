// The public DMARC suites: RFC 9989 and RFC 7489 evaluation, record parsing, alignment by the
// public suffix list. Where a case is marked ambiguous we follow the text of RFC 9989:
// - two records at one name are both discarded and the walk goes on (§4.10 step 2, step 7):
// rfc9989-rec-two-then-parent,
//   mailauth-multi-author;
// - a name that the DNS does not answer for is temperror (§5.3.6): rfc9989-dns-servfail-author,
// -dns-timeout-parent;
// - a record without p and without rua is no DMARC (§4.10.1 is more specific than §4.7):
// rfc9989-p-missing-no-rua,
//   mail-dmarc-psd-no-p, mailauth-no-p-no-rua;
// - an SPF temperror that could have aligned is temperror, not fail (§5.3.6):
// rfc9989-spf-temperror;
// - `V=` is an ABNF literal and has no case (§4.8): rfc9989-rec-v-only-upper; a leading blank is
// not in the ABNF:
//   rfc9989-rec-leading-space;
// - a record between author and Organizational Domain is not used (§4.10.1): rfc9989-psd-between.
#include <map>
#include <nlohmann/json.hpp>

#include "dmarc/public_suffix_list.h"
#include "dmarc/record.h"
#include "support/dmarc_cases.h"

namespace sekisho::test {
namespace {

const dmarc::PublicSuffixList& public_suffixes() {
  static const auto list =
      dmarc::PublicSuffixList::load(conformance_path("psl/public_suffix_list.dat")).value();
  return list;
}

std::vector<nlohmann::json> cases_of(const std::string& file) {
  return read_json(conformance_path("dmarc/" + file)).at("cases");
}

void run(const std::string& file, std::size_t count, const dmarc::Options& options) {
  const auto cases = cases_of(file);
  EXPECT_EQ(cases.size(), count) << file;
  for (const auto& given : cases) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    const dmarc::Inputs inputs = inputs_of(given);
    for (const bool hints : {true, false}) {
      FakeDns dns = dns_of(given.at("dns"));
      const auto result = run_to_end(
          [&](const dns::Answers& answers) { return dmarc::evaluate(inputs, answers, options); },
          dns, hints);
      const auto got = described(result);
      EXPECT_TRUE(agrees(got, given)) << "got " << got << "\nexpected " << given["expect"];
      if (given.contains("queries")) {
        EXPECT_EQ(nlohmann::json(result.queries), given["queries"]);
      }
    }
  }
}

TEST(DmarcConformance, Rfc9989) { run("rfc9989-cases.json", 121, {}); }
TEST(DmarcConformance, MailDmarc) { run("mail-dmarc-cases.json", 25, {}); }
TEST(DmarcConformance, Mailauth) { run("mailauth-cases.json", 28, {}); }
TEST(DmarcConformance, Rfc7489) {
  run("rfc7489-psl-cases.json", 17, {dmarc::Discovery::psl, &public_suffixes()});
}

// The decisions that the head of this file names.
TEST(DmarcConformance, AmbiguousCasesFollowRfc9989) {
  const std::map<std::string, std::string> decided{
      {"rfc9989-rec-two-then-parent", "fail"}, {"mailauth-multi-author", "fail"},
      {"rfc9989-rec-two-identical", "none"},   {"rfc9989-dns-servfail-author", "temperror"},
      {"rfc9989-p-missing-no-rua", "none"},    {"rfc9989-dns-timeout-parent", "temperror"},
      {"mail-dmarc-psd-no-p", "none"},         {"mailauth-no-p-no-rua", "none"},
      {"rfc9989-spf-temperror", "temperror"},  {"rfc9989-rec-v-only-upper", "fail"},
      {"rfc9989-rec-leading-space", "none"},   {"rfc9989-dns-servfail-tld", "pass"},
      {"rfc9989-p-bad-no-rua", "none"},        {"rfc9989-psd-between", "fail"}};
  std::size_t seen = 0;
  for (const std::string file :
       {"rfc9989-cases.json", "mail-dmarc-cases.json", "mailauth-cases.json"}) {
    for (const auto& given : cases_of(file)) {
      const auto want = decided.find(given.at("id").get<std::string>());
      if (want == decided.end()) continue;
      ++seen;
      FakeDns dns = dns_of(given.at("dns"));
      const dmarc::Inputs inputs = inputs_of(given);
      const auto result = run_to_end(
          [&](const dns::Answers& answers) { return dmarc::evaluate(inputs, answers, {}); }, dns);
      EXPECT_EQ(to_string(result.code), want->second) << want->first;
      if (want->first == "rfc9989-psd-between") {
        EXPECT_EQ(result.policy_domain, "bank.example");
      }
    }
  }
  EXPECT_EQ(seen, decided.size());
}

std::string policy_or_empty(const std::optional<dmarc::Policy>& policy) {
  return policy ? std::string(to_string(*policy)) : std::string();
}

void expect_tags(const dmarc::Published& got, const nlohmann::json& tags) {
  EXPECT_EQ(to_string(got.p), tags["p"].get<std::string>());
  EXPECT_EQ(policy_or_empty(got.sp), tags["sp"].is_null() ? "" : tags["sp"].get<std::string>());
  EXPECT_EQ(policy_or_empty(got.np), tags["np"].is_null() ? "" : tags["np"].get<std::string>());
  EXPECT_EQ(got.adkim_strict, tags["adkim"] == "s");
  EXPECT_EQ(got.aspf_strict, tags["aspf"] == "s");
  EXPECT_EQ(to_string(got.psd), tags["psd"].get<std::string>());
  EXPECT_EQ(got.testing, tags["t"] == "y");
  std::string fo;
  for (const auto& option : tags["fo"]) fo += (fo.empty() ? "" : ":") + option.get<std::string>();
  EXPECT_EQ(got.fo, fo);
  EXPECT_EQ(nlohmann::json(got.rua), tags["rua"]);
  EXPECT_EQ(nlohmann::json(got.ruf), tags["ruf"]);
}

TEST(DmarcConformance, Records) {
  const auto cases = cases_of("record-cases.json");
  EXPECT_EQ(cases.size(), 43U);
  for (const auto& given : cases) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    const auto record = dmarc::parse_record(given.at("record").get<std::string>());
    const std::string want = given.at("rfc9989");
    EXPECT_EQ(record.has_value(), want != "not-dmarc");
    if (!record) continue;
    // "no-policy": p=none when somebody asks for reports, else no DMARC.
    if (want == "ok") {
      EXPECT_TRUE(record->usable && record->defect.empty()) << record->defect;
    }
    if (want == "no-policy") {
      EXPECT_EQ(record->usable, !record->published.rua.empty());
    }
    if (want != "ok") {
      EXPECT_EQ(record->published.p, dmarc::Policy::none);
    }
    if (given.contains("tags")) expect_tags(record->published, given["tags"]);
  }
}

TEST(DmarcConformance, AlignmentByPublicSuffixList) {
  const auto cases = cases_of("alignment-psl-cases.json");
  EXPECT_EQ(cases.size(), 10U);
  for (const auto& given : cases) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    const auto a = mail::DomainName::parse(given.at("a").get<std::string>());
    const auto b = mail::DomainName::parse(given.at("b").get<std::string>());
    if (!a || !b) {
      // Names with empty labels are no names, and never become an identifier.
      EXPECT_TRUE(given.value("optional", false));
      continue;
    }
    const std::string mode = given.at("mode") == "strict" ? "; aspf=s" : "";
    FakeDns dns;
    dns.txt("_dmarc." + a->text(), "v=DMARC1; p=reject" + mode);
    const dmarc::Inputs inputs{*a, dmarc::Identifier{*b, dmarc::Identifier::State::pass}, {}};
    const dmarc::Options options{dmarc::Discovery::psl, &public_suffixes()};
    const auto result = run_to_end(
        [&](const dns::Answers& answers) { return dmarc::evaluate(inputs, answers, options); },
        dns);
    EXPECT_EQ(result.aligned_spf, given.at("aligned").get<bool>());
  }
}

}  // namespace
}  // namespace sekisho::test
