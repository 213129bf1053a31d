// The collected DKIM suites (RFC 6376 and 8463 vectors, lieser, Mail::DKIM, dkimpy, go-msgauth, and
// cases derived from the text of the RFCs): every signature of every message must come to a result
// that its case allows.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "dkim/verify.h"
#include "mail/message.h"
#include "support/fake_dns.h"

namespace sekisho::dkim {
namespace {

const nlohmann::json& cases() {
  static const nlohmann::json document = test::read_json(test::conformance_path("dkim/cases.json"));
  return document["cases"];
}

test::FakeDns fake_dns(const nlohmann::json& records) {
  test::FakeDns dns;
  for (const auto& [name, value] : records.items()) {
    if (value.is_string()) {
      dns.error(name, value.get<std::string>());
      continue;
    }
    if (value.empty()) dns.exists(name);
    for (const auto& record : value) {
      std::string text;
      if (record.is_string()) {
        text = record;
      } else {
        for (const std::string part : record) text += part;
      }
      dns.txt(name, text);
    }
  }
  return dns;
}

std::vector<SignatureResult> verify(const nlohmann::json& example) {
  const auto message = mail::parse_message(
      test::read_file(test::conformance_path("dkim/" + example["file"].get<std::string>())));
  Verification verification{Options{}};
  verification.start(message.header);
  verification.body(message.body);
  verification.end_of_body();
  auto dns = fake_dns(example["dns"]);
  const WallTime now = example.contains("now")
                           ? WallTime(std::chrono::seconds(example["now"].get<std::int64_t>()))
                           : wall_now();
  crypto::KeyCache keys;
  return test::run_to_end(
      [&](const dns::Answers& answers) { return verification.evaluate(answers, now, keys); }, dns);
}

class DkimSuite : public testing::TestWithParam<std::size_t> {};

TEST_P(DkimSuite, EverySignatureHasAnAllowedResult) {
  const auto& example = cases()[GetParam()];
  SCOPED_TRACE(example["id"].get<std::string>());
  const auto results = verify(example);
  const auto& expected = example["expect"];
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string code(to_string(results[i].code));
    const auto& accept = expected[i]["accept"];
    EXPECT_TRUE(code == expected[i]["result"] ||
                std::find(accept.begin(), accept.end(), code) != accept.end())
        << "signature " << i << ": " << code << " (" << results[i].reason << "), not "
        << expected[i]["result"] << " " << accept;
    if (code != "pass") continue;
    EXPECT_EQ(results[i].selector, expected[i]["s"]);
    EXPECT_EQ(results[i].algorithm, ascii::lower(expected[i]["a"].get<std::string>()));
  }
}

std::string case_name(const testing::TestParamInfo<std::size_t>& info) {
  std::string name = cases()[info.param]["id"];
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return std::to_string(info.param) + "_" + name;
}

INSTANTIATE_TEST_SUITE_P(Cases, DkimSuite, testing::Range<std::size_t>(0, cases().size()),
                         case_name);

// A suite of which half was not found would pass too.
TEST(DkimSuiteSize, IsWhole) {
  std::size_t signatures = 0;
  for (const auto& example : cases()) signatures += example["expect"].size();
  EXPECT_EQ(cases().size(), 362U);
  EXPECT_EQ(signatures, 367U);
}

}  // namespace
}  // namespace sekisho::dkim
