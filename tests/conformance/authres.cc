// The public Authentication-Results suites: reading (RFC 8601 §2.2), and which inbound fields must
// go (RFC 8601 §5). A case that is marked optional may be decided otherwise; we decide all of them
// as the suite does.
#include "support/authres_cases.h"

namespace sekisho::test {
namespace {

TEST(AuthresConformance, Parse) {
  const auto suite = read_json(conformance_path("authres/parse-cases.json"));
  EXPECT_EQ(suite.at("cases").size(), 67U);
  for (const auto& given : suite.at("cases")) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    run_parse_case(given);
  }
}

TEST(AuthresConformance, Strip) {
  const auto suite = read_json(conformance_path("authres/strip-cases.json"));
  EXPECT_EQ(suite.at("cases").size(), 20U);
  for (const auto& given : suite.at("cases")) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    EXPECT_EQ(is_removed(given), given.at("remove").get<bool>());
  }
}

// Whatever the strict grammar takes can be written again and reads the same.
TEST(AuthresConformance, WrittenFieldsReadTheSame) {
  const auto suite = read_json(conformance_path("authres/parse-cases.json"));
  int count = 0;
  for (const auto& given : suite.at("cases")) {
    const auto field = authres::parse(field_of(given).value, authres::Syntax::strict);
    if (!field) continue;
    SCOPED_TRACE(given.at("id").get<std::string>());
    ++count;
    const auto again = authres::parse(authres::write(*field), authres::Syntax::strict);
    ASSERT_TRUE(again) << authres::write(*field);
    EXPECT_EQ(again->authserv_id, field->authserv_id);
    EXPECT_EQ(again->results, field->results);
  }
  EXPECT_GT(count, 40);
}

}  // namespace
}  // namespace sekisho::test
