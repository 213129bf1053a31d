// tests/support/spf_cases.h: SPF cases as the openspf.org suites write them: scenarios of a zone
// and its tests. Our own fixtures have the same form, and may also want a `reason` (a part of it)
// and name a `scope` or a `receiver`.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spf/check_host.h"
#include "support/fake_dns.h"

namespace sekisho::test {

struct SpfCase {
  std::string id;  // fit for a test name
  FakeDns zone;
  spf::Query query;
  std::set<std::string> want;              // any of these results
  std::optional<std::string> explanation;  // "" for none
  std::string reason;                      // must be part of the reason
};

// The cases of a JSON file. Ids are made unique by the number of their scenario when
// `number_scenarios`.
std::vector<SpfCase> load_spf_cases(const std::string& path, bool number_scenarios);

// One case on its zone. `dns` records what was asked.
spf::Result evaluate_spf(const SpfCase& spf_case, FakeDns& dns, bool answer_hints = true,
                         int* rounds = nullptr);

// Runs a case with its hints answered and without, and holds both against what is wanted.
void expect_spf(const SpfCase& spf_case);

// For GoogleTest: how a failing case is shown, and how it is called.
void PrintTo(const SpfCase& spf_case, std::ostream* out);
std::string spf_case_name(const testing::TestParamInfo<SpfCase>& info);

}  // namespace sekisho::test
