// The text that Prometheus reads: format, escaping, numbers; and what the engine's counters become.
#include "metrics/family.h"

#include <limits>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "metrics/engine.h"

namespace sekisho::metrics {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(Metrics, oneOfEachKind) {
  Families families;
  families.push_back(counter("a_total", "Things.", 3));
  families.push_back(gauge("b", "Degrees.", -1.5));
  auto& c = families.emplace_back(Family::Kind::counter, "c_total", "By kind.");
  c.add({{"kind", "x"}, {"of", "y"}}, 1).add({{"kind", "z"}, {"of", ""}}, 0);
  families.emplace_back(Family::Kind::gauge, "d", "Nothing yet.");
  EXPECT_EQ(render(families), R"(# HELP a_total Things.
# TYPE a_total counter
a_total 3
# HELP b Degrees.
# TYPE b gauge
b -1.5
# HELP c_total By kind.
# TYPE c_total counter
c_total{kind="x",of="y"} 1
c_total{kind="z",of=""} 0
# HELP d Nothing yet.
# TYPE d gauge
)");
  EXPECT_EQ(render({}), "");
}

TEST(Metrics, labelValuesCannotLeaveTheirQuotes) {
  const std::pair<std::string, std::string> table[] = {
      {"zen", "zen"},
      {"a\"} 1\nevil_total 7", "a\\\"} 1\\nevil_total 7"},
      {"\\", "\\\\"},
      {"\\n", "\\\\n"},
      {"関所", "関所"},
      {"\xff\xfe", "\uFFFD\uFFFD"},
      {"\xe9\x96", "\uFFFD\uFFFD"},
      {std::string("a\0b", 3), std::string("a\0b", 3)},
      {"\r\t", "\r\t"},
  };
  for (const auto& [value, shown] : table) {
    Families families;
    families.emplace_back(Family::Kind::gauge, "g", "H.").add({{"l", value}}, 1);
    EXPECT_EQ(render(families), "# HELP g H.\n# TYPE g gauge\ng{l=\"" + shown + "\"} 1\n");
  }
}

TEST(Metrics, helpIsOneLine) {
  EXPECT_EQ(render({gauge("g", "a \"b\"\nc\\d\xff", 0)}),
            "# HELP g a \"b\"\\nc\\\\d\uFFFD\n# TYPE g gauge\ng 0\n");
}

TEST(Metrics, numbers) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::pair<double, std::string> table[] = {
      {0, "0"},
      {-0.5, "-0.5"},
      {1e14, "100000000000000"},
      {123456789012345, "123456789012345"},
      {0.001, "0.001"},
      {0.1 + 0.2, "0.30000000000000004"},
      {1e300, "1e+300"},
      {inf, "+Inf"},
      {-inf, "-Inf"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
  };
  for (const auto& [value, text] : table) {
    EXPECT_EQ(render({gauge("g", "H.", value)}), "# HELP g H.\n# TYPE g gauge\ng " + text + "\n");
  }
}

TEST(Durations, bucketsHoldWhatIsNotLongerThanTheirBound) {
  session::Durations durations;
  durations.count(microseconds(0));
  durations.count(milliseconds(1));
  durations.count(microseconds(1001));
  durations.count(milliseconds(5));
  durations.count(milliseconds(21000));
  durations.count(std::chrono::hours(1));
  const auto now = durations.snapshot();
  EXPECT_EQ(now.in_bucket.front(), 2U);
  EXPECT_EQ(now.in_bucket[1], 2U);
  EXPECT_EQ(now.in_bucket[now.in_bucket.size() - 2], 1U);
  EXPECT_EQ(now.in_bucket.back(), 1U);
  EXPECT_EQ(now.count, 6U);
  EXPECT_EQ(now.sum, microseconds(7001) + std::chrono::seconds(21 + 3600));
  EXPECT_EQ(now.within(0.3), milliseconds(1));
  EXPECT_EQ(now.within(0.5), milliseconds(5));
  EXPECT_EQ(now.within(0.8), milliseconds(21000));
  EXPECT_EQ(now.within(0.99), std::nullopt) << "longer than all bounds";
  EXPECT_EQ(session::Durations().snapshot().within(0.5), std::nullopt);
}

policy::Facts judged() {
  policy::Facts facts;
  facts.spf_mail_from.code = spf::Code::softfail;
  facts.spf_helo.code = spf::Code::pass;
  facts.dkim.resize(2);
  facts.dkim[0].code = dkim::Code::policy;
  facts.dkim[1].code = dkim::Code::fail;
  facts.dmarc.code = dmarc::Code::temperror;
  facts.iprev.code = client::IprevCode::permerror;
  facts.decided_in = milliseconds(7);
  facts.dns_waited = milliseconds(30);
  return facts;
}

policy::Verdict verdict(policy::Action action, const std::string& rule = "dmarc") {
  policy::Verdict out;
  out.message.action = action;
  out.message.rule = rule;
  return out;
}

std::string text_of(const session::Counters& counters) {
  Families families;
  append_messages(families, counters);
  return render(families);
}

void expect_lines(const std::string& text, const std::vector<std::string>& lines) {
  for (const auto& line : lines) {
    EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
  }
}

TEST(EngineMetrics, everyCodeHasItsCounter) {
  session::Counters counters;
  counters.count(judged(), verdict(policy::Action::quarantine));
  auto monitored = verdict(policy::Action::accept);
  monitored.message.monitored = policy::Action::reject;
  counters.count(policy::Facts(), monitored);
  expect_lines(text_of(counters),
               {
                   R"(sekisho_verdicts_total{action="quarantine"} 1)",
                   R"(sekisho_verdicts_total{action="accept"} 1)",
                   R"(sekisho_verdicts_total{action="tempfail"} 0)",
                   R"(sekisho_monitored_verdicts_total{action="reject"} 1)",
                   R"(sekisho_spf_results_total{scope="mfrom",result="softfail"} 1)",
                   R"(sekisho_spf_results_total{scope="mfrom",result="none"} 1)",
                   R"(sekisho_spf_results_total{scope="helo",result="pass"} 1)",
                   R"(sekisho_dkim_results_total{result="policy"} 1)",
                   R"(sekisho_dkim_results_total{result="fail"} 1)",
                   R"(sekisho_dkim_results_total{result="none"} 1)",
                   R"(sekisho_dmarc_results_total{result="temperror"} 1)",
                   R"(sekisho_iprev_results_total{result="permerror"} 1)",
                   R"(sekisho_decision_seconds_bucket{le="0.005"} 1)",
                   R"(sekisho_decision_seconds_bucket{le="0.01"} 2)",
                   R"(sekisho_decision_seconds_bucket{le="+Inf"} 2)",
                   R"(sekisho_decision_seconds_sum 0.007)",
                   R"(sekisho_decision_seconds_count 2)",
                   R"(sekisho_dns_wait_seconds_sum 0.03)",
               });
}

// What was not evaluated has no results, and a failure inside none that would be true.
TEST(EngineMetrics, resultsAreThoseOfEvaluatedMessages) {
  session::Counters counters;
  auto exempt = judged();
  exempt.exemption = policy::Exemption::trusted_network;
  counters.count(exempt, verdict(policy::Action::accept, "exempt"));
  counters.count(judged(), verdict(policy::Action::tempfail, "internal"));
  const std::string text = text_of(counters);
  expect_lines(text,
               {R"(sekisho_verdicts_total{action="accept"} 1)",
                R"(sekisho_verdicts_total{action="tempfail"} 1)",
                R"(sekisho_decision_seconds_count 2)", R"(sekisho_dns_wait_seconds_count 0)"});
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool result = line.find("_results_total{") != std::string::npos;
    EXPECT_TRUE(!result || line.ends_with(" 0")) << line;
  }
}

// Refused at RCPT: an action, and neither results nor a time.
TEST(EngineMetrics, whatIsRefusedBeforeTheMessageHasNoResults) {
  session::Counters counters;
  counters.count(verdict(policy::Action::reject, "dnsbl:zen").message);
  counters.refused_recipients = 2;
  counters.not_held = 3;
  const std::string text = text_of(counters);
  expect_lines(text, {R"(sekisho_verdicts_total{action="reject"} 1)",
                      R"(sekisho_dkim_results_total{result="none"} 0)",
                      R"(sekisho_decision_seconds_count 0)", "sekisho_refused_recipients_total 2",
                      "sekisho_messages_not_held_total 3"});
  const auto status = messages_json(counters);
  EXPECT_EQ(status["sessions"]["refused_recipients"], 2);
  EXPECT_EQ(status["sessions"]["not_held"], 3);
}

// A code that is added to an enum without a place here would be counted nowhere.
TEST(EngineMetrics, noCodeIsWithoutAWord) {
  const std::string text = text_of(session::Counters());
  EXPECT_EQ(text.find("=\"\""), std::string::npos) << text;
  for (const std::string last : {R"(result="permerror"} 0)", R"(action="reject"} 0)"}) {
    EXPECT_NE(text.find(last), std::string::npos);
  }
}

// A counter that has no row would be shown nowhere: what is not in a row is a number of its own.
template <class Code>
constexpr std::size_t size_of(const session::NamedCodes<Code>&) {
  return sizeof(session::Counters::Each<Code>);
}
constexpr std::size_t size_of_rows() {
  const auto codes = [](const auto&... rows) { return (size_of(rows) + ...); };
  return std::apply(codes, session::named_codes) +
         std::size(session::named_counters) * sizeof(std::atomic<std::uint64_t>) +
         std::size(session::named_durations) * sizeof(session::Durations);
}
static_assert(sizeof(session::Counters) ==
              size_of_rows() + sizeof(session::Counters::open_connections));

TEST(EngineMetrics, everyFamilyHasANameOfItsOwn) {
  Families families;
  append_messages(families, session::Counters());
  append_resolver(families, dns::ResolverStatus());
  append_keys(families, crypto::KeyCache::Status());
  std::set<std::string> names;
  for (const Family& family : families) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_EQ(family.kind == Family::Kind::counter, family.name.ends_with("_total")) << family.name;
    EXPECT_TRUE(family.help.ends_with('.')) << family.name;
  }
}

TEST(EngineMetrics, statusLeavesOutWhatDidNotHappen) {
  session::Counters counters;
  auto status = messages_json(counters);
  EXPECT_EQ(status["results"]["dmarc"], nlohmann::json::object());
  EXPECT_EQ(status["verdicts"]["reject"], 0);
  EXPECT_FALSE(status["times"]["decision"].contains("mean_ms"));
  counters.count(judged(), verdict(policy::Action::reject));
  status = messages_json(counters);
  EXPECT_EQ(status["results"], (nlohmann::json{{"spf_mfrom", {{"softfail", 1}}},
                                               {"spf_helo", {{"pass", 1}}},
                                               {"dkim", {{"fail", 1}, {"policy", 1}}},
                                               {"dmarc", {{"temperror", 1}}},
                                               {"iprev", {{"permerror", 1}}}}));
  EXPECT_EQ(status["monitored"], nlohmann::json::object());
  EXPECT_EQ(status["times"]["dns"]["messages"], 1);
  EXPECT_EQ(status["verdicts"]["reject"], 1);
  EXPECT_EQ(status["times"]["decision"]["half_within_ms"], 10);
  EXPECT_EQ(status["times"]["decision"]["mean_ms"], 7.0);
}

}  // namespace

}  // namespace sekisho::metrics
