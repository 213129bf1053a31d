// The From header suite: 79 beginnings of messages, and who their author is (RFC 9989 §5.3.1,
// §11.5).
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

// The suite has no words of its own for a field without any domain, and for one that is not valid
// and yet readable.
std::string_view word_of(const Author& author) {
  if (author.result == Author::Result::no_domain) return "invalid";
  return author.readable() ? "one" : to_string(author.result);
}

Answer ours(const Author& author) {
  Answer answer{std::string(word_of(author)), {}};
  for (const auto& domain : author.domains) answer.domains.insert(domain.text());
  return answer;
}

// Valid, and refused by us all the same: some readers show an address that stands in a quoted local
// part, or in a name behind a backslash.
const std::set<std::string> refused = {"from-quoted-local-at", "from-quoted-local-gt",
                                       "from-escaped-quote"};

// Not valid, and every reader of it that sees an address sees this one.
const std::set<std::string> readable = {"from-unterminated-quote", "from-unterminated-comment"};

TEST(FromHeader, everyCaseHasOneOfItsRightAnswers) {
  const Json suite = test::read_json(test::conformance_path("from-header/cases.json"));
  ASSERT_EQ(suite.at("cases").size(), 79U);
  for (const Json& test_case : suite.at("cases")) {
    const auto octets = base64_decode(test_case.at("headers_b64").get<std::string>());
    ASSERT_TRUE(octets) << test_case.at("id");
    const Message message = parse_message(*octets);
    const Author author = find_author(message.header, message.malformed);

    std::vector<Answer> right = {wanted(test_case.at("expect"))};
    if (refused.contains(test_case.at("id"))) right = {{"invalid", {}}};
    if (readable.contains(test_case.at("id"))) right = {{"one", {"example.com"}}};
    for (const Json& other : test_case.value("accept", Json::array())) {
      right.push_back(wanted(other));
    }
    const Answer answer = ours(author);
    EXPECT_NE(std::find(right.begin(), right.end(), answer), right.end())
        << test_case.at("id") << ": " << testing::PrintToString(answer) << " (" << author.reason
        << "), want " << testing::PrintToString(right.front());
    EXPECT_EQ(author.reason.empty(), author.result == Author::Result::one) << test_case.at("id");
  }
}

// espoofer ("Composition Kills", USENIX Security 2020), with its messages as published. a1 to a7
// forge the envelope or the signature under an honest From, client_a2 and a3 are another user of
// one domain (who may write what is for submission to say, not for DMARC); the others must have no
// author at all.
const std::map<std::string, std::string> espoofer_authors = {
    {"espoofer-server_a1", "legitimate.com"}, {"espoofer-server_a2", "legitimate.com"},
    {"espoofer-server_a3", "legitimate.com"}, {"espoofer-server_a4", "legitimate.com"},
    {"espoofer-server_a5", "legitimate.com"}, {"espoofer-server_a6", "legitimate.com"},
    {"espoofer-server_a7", "legitimate.com"}, {"espoofer-client_a2", "example.com"},
    {"espoofer-client_a3", "example.com"},
};

TEST(Espoofer, noMessageHasAnotherAuthorThanEveryReaderSees) {
  const Json suite = test::read_json(test::conformance_path("from-header/espoofer-cases.json"));
  ASSERT_EQ(suite.at("cases").size(), 22U);
  for (const Json& test_case : suite.at("cases")) {
    const std::string id = test_case.at("id");
    const auto octets = base64_decode(test_case.at("message_b64").get<std::string>());
    ASSERT_TRUE(octets) << id;
    const Message message = parse_message(*octets);
    const Author author = find_author(message.header, message.malformed);
    const auto wanted = espoofer_authors.find(id);
    ASSERT_EQ(author.well_formed(), wanted != espoofer_authors.end()) << id << author.reason;
    if (author.well_formed()) {
      EXPECT_EQ(author.domain().text(), wanted->second) << id;
    }
  }
}

TEST(Espoofer, envelopesHaveOneReadingOrNone) {
  const std::map<std::string, std::string> wanted = {
      {"espoofer-server_a1", "mailfrom.notexist.legitimate.com"},
      {"espoofer-server_a2", ""},
      {"espoofer-server_a5", ""},
      {"espoofer-server_a6", ""},
      {"espoofer-server_a7", "attack.com"},
  };
  const Json suite = test::read_json(test::conformance_path("from-header/espoofer-cases.json"));
  std::size_t checked = 0;
  for (const Json& test_case : suite.at("cases")) {
    const auto found = wanted.find(test_case.at("id"));
    if (found == wanted.end()) continue;
    ++checked;
    const auto path = ReversePath::parse(test_case.at("mail_from").get<std::string>());
    const bool mailbox = path && !path->is_null();
    EXPECT_EQ(mailbox ? path->mailbox()->domain.text() : "", found->second) << found->first;
  }
  EXPECT_EQ(checked, wanted.size());
}

}  // namespace
}  // namespace sekisho::mail
