// Every fixture of tests/data/dkim, with the body in pieces of several sizes: where a piece ends
// must not matter.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dkim/verify.h"
#include "mail/message.h"
#include "support/fake_dns.h"

namespace sekisho::dkim {
namespace {

std::vector<std::string> stems() {
  std::vector<std::string> stems;
  for (const auto& entry : std::filesystem::directory_iterator(test::data_path("dkim"))) {
    if (entry.path().extension() == ".msg") stems.push_back(entry.path().stem().string());
  }
  std::sort(stems.begin(), stems.end());
  return stems;
}

test::FakeDns read_dns(const nlohmann::json& zone) {
  test::FakeDns dns;
  for (const auto& [name, value] : zone.items()) {
    if (value.is_string()) {
      dns.error(name, value.get<std::string>());
      continue;
    }
    dns.exists(name);
    for (const std::string text : value) dns.txt(name, text);
  }
  return dns;
}

std::vector<SignatureResult> verify(const mail::Message& message, std::size_t piece, WallTime now,
                                    test::FakeDns& dns) {
  Verification verification{Options{}};
  verification.start(message.header);
  for (std::size_t at = 0; at < message.body.size(); at += piece) {
    verification.body(std::string_view(message.body).substr(at, piece));
  }
  verification.end_of_body();
  crypto::KeyCache keys;
  return test::run_to_end(
      [&](const dns::Answers& answers) { return verification.evaluate(answers, now, keys); }, dns);
}

nlohmann::json describe(const SignatureResult& result) {
  return {{"code", to_string(result.code)}, {"domain", result.domain},
          {"selector", result.selector},    {"algorithm", result.algorithm},
          {"identity", result.identity},    {"reason", result.reason},
          {"key_bits", result.key_bits},    {"testing", result.testing}};
}

class DkimFixture : public testing::TestWithParam<std::string> {};

TEST_P(DkimFixture, HasTheResultsThatItWants) {
  const std::string stem = test::data_path("dkim/" + GetParam());
  const auto message = mail::parse_message(test::read_file(stem + ".msg"));
  const auto want = test::read_json(stem + ".want");
  const auto now = WallTime(std::chrono::seconds(want["now"].get<std::int64_t>()));
  for (const std::size_t piece : {1U, 2U, 7U, 100000U}) {
    auto dns = read_dns(test::read_json(stem + ".dns"));
    const auto results = verify(message, piece, now, dns);
    ASSERT_EQ(results.size(), want["results"].size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto got = describe(results[i]);
      for (const auto& [member, value] : want["results"][i].items()) {
        EXPECT_EQ(got[member], value)
            << member << " of signature " << i << " in pieces of " << piece << ": " << got;
      }
    }
    if (want.contains("questions")) {
      EXPECT_EQ(dns.asked.size(), want["questions"]);
    }
  }
}

std::string fixture_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DkimFixture, testing::ValuesIn(stems()), fixture_name);

TEST(DkimFixtures, AreThere) { EXPECT_GE(stems().size(), 150U); }

}  // namespace
}  // namespace sekisho::dkim
