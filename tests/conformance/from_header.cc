// The From header suite: 79 beginnings of messages, and who their author is (RFC 9989 §5.3.1, §11.5).
#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "mail/author.h"
#include "mail/message.h"
#include "support/fake_dns.h"

namespace sekisho::mail {
namespace {

using Json = nlohmann::json;

struct Answer {
  std::string verdict;
  std::set<std::string> domains;
  bool operator==(const Answer&) const = default;
};

void PrintTo(const Answer& answer, std::ostream* out) {
  *out << answer.verdict;
  for (const auto& domain : answer.domains) *out << ' ' << domain;
}

Answer wanted(const Json& expect) {
  return {expect.at("verdict"), expect.at("domains").get<std::set<std::string>>()};
}

// The suite has no word of its own for a field without any domain.
Answer ours(const Author& author) {
  const bool no_domain = author.result == Author::Result::no_domain;
  Answer answer{std::string(no_domain ? "invalid" : to_string(author.result)), {}};
  for (const auto& domain : author.domains) answer.domains.insert(domain.text());
  return answer;
}

TEST(FromHeader, everyCaseHasOneOfItsRightAnswers) {
  const Json suite = test::read_json(test::conformance_path("from-header/cases.json"));
  ASSERT_EQ(suite.at("cases").size(), 79U);
  for (const Json& test_case : suite.at("cases")) {
    const auto octets = base64_decode(test_case.at("headers_b64").get<std::string>());
    ASSERT_TRUE(octets) << test_case.at("id");
    const Message message = parse_message(*octets);
    const Author author = find_author(message.header, message.malformed);

    std::vector<Answer> right = {wanted(test_case.at("expect"))};
    for (const Json& other : test_case.value("accept", Json::array())) {
      right.push_back(wanted(other));
    }
    const Answer answer = ours(author);
    EXPECT_NE(std::find(right.begin(), right.end(), answer), right.end())
        << test_case.at("id") << ": " << testing::PrintToString(answer) << " (" << author.reason
        << "), want " << testing::PrintToString(right.front());
    EXPECT_EQ(author.reason.empty(), author.well_formed()) << test_case.at("id");
  }
}

}  // namespace
}  // namespace sekisho::mail
