// The vectors of publicsuffix.org: the registrable domain of a name, by the list that comes with
// them.
#include <sstream>

#include "dmarc/public_suffix_list.h"
#include "support/fake_dns.h"

namespace sekisho::test {
namespace {

TEST(PublicSuffixConformance, RegistrableDomains) {
  const auto list =
      dmarc::PublicSuffixList::load(conformance_path("psl/public_suffix_list.dat")).value();
  std::istringstream vectors(read_file(conformance_path("psl/tests.txt")));
  std::string line;
  int count = 0;
  while (std::getline(vectors, line)) {
    std::istringstream words(line);
    std::string input;
    std::string want;
    if (line.starts_with("//") || !(words >> input >> want)) continue;
    SCOPED_TRACE(line);
    ++count;
    const auto name = mail::DomainName::parse(input);
    if (!name || input == "null") {
      EXPECT_EQ(want, "null") << "a name that cannot be read has no registrable domain";
      continue;
    }
    EXPECT_EQ(list.is_public_suffix(*name), want == "null");
    const auto expected = want == "null" ? *name : mail::DomainName::parse(want).value();
    EXPECT_EQ(list.organizational_domain(*name), expected);
  }
  EXPECT_EQ(count, 78);
}

}  // namespace
}  // namespace sekisho::test
