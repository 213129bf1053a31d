// The RFC 7208 suite of openspf.org, explanations included: every test, none left out.
#include <gtest/gtest.h>

#include "support/spf_cases.h"

namespace sekisho::test {

namespace {

constexpr std::size_t suite_size = 203;

std::vector<SpfCase> suite() {
  return load_spf_cases(conformance_path("spf/rfc7208-tests.json"), true);
}

class SpfRfc7208 : public testing::TestWithParam<SpfCase> {};

TEST_P(SpfRfc7208, Case) { expect_spf(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Suite, SpfRfc7208, testing::ValuesIn(suite()), spf_case_name);

TEST(SpfRfc7208Suite, IsWhole) { EXPECT_EQ(suite().size(), suite_size); }

}  // namespace

}  // namespace sekisho::test
