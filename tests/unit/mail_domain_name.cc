#include "mail/domain_name.h"

#include <unordered_set>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "mail/limits.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

// Labels of 63 octets and a last one, `octets` in all.
std::string name_of(std::size_t octets) {
  std::string name;
  while (name.size() + 64 < octets) name += std::string(limits::label_octets, 'x') + '.';
  return name + std::string(octets - name.size(), 'y');
}

TEST(DomainName, isReducedToLowerCaseALabels) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"example.com", "example.com"},
      {"EXAMPLE.Com", "example.com"},
      {"example.com.", "example.com"},
      {"localhost", "localhost"},
      {"_dmarc.my_host.example", "_dmarc.my_host.example"},
      {"-a-.example", "-a-.example"},
      {"bücher.example", "xn--bcher-kva.example"},
      {"BÜCHER.Example.", "xn--bcher-kva.example"},
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"faß.example", "xn--fa-hia.example"},
      {"例え.テスト", "xn--r8jz45g.xn--zckzah"},
      {"example。com", "example.com"},
      {"ｅｘａｍｐｌｅ．com", "example.com"},
      {"bu\u0308cher.example", "xn--bcher-kva.example"},
      {"xn--80aa1cn6g67a.com", "xn--80aa1cn6g67a.com"},
  };
  for (const auto& [text, wanted] : cases) {
    const auto name = DomainName::parse(text);
    ASSERT_TRUE(name) << text << ": " << name.error().what;
    EXPECT_EQ(name->text(), wanted);
  }
}

TEST(DomainName, whatIsNoDomainIsRefused) {
  const std::string texts[] = {
      "",
      ".",
      "..",
      ".example.com",
      "example..com",
      "example.com..",
      "exa mple.com",
      "example.com ",
      "[192.0.2.1]",
      "a@b",
      "exam\0ple.com"s,
      "legit.com'a.attack.com",
      "legit.com(.attack.com",
      "legit.com\\attack.com",
      "legit.com/attack.com",
      "legit.com\xff"
      "attack.com",
      "legit.com\xc0\xae"
      "attack.com",
      "ü\0.example"s,
      "bücher..example",
      "legit.com＠attack.com",
      "legit.com／attack.com",
      "legit\u00a0.example",
      "le\u00adgit.example",
      "le\u200bgit.example",
      "\ufeffexample.com",
      "legit\u202ecom.example",
      "legit\u202d.example",
      "a\u200db.example",
      std::string(2000, 'x') + "ü.example",
  };
  for (const auto& text : texts) {
    EXPECT_FALSE(DomainName::parse(text)) << escape_for_log(text);
  }
}

TEST(DomainName, everyAsciiOctetIsAcceptedOrRefused) {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  for (int octet = 0; octet < 128; ++octet) {
    const char c = static_cast<char>(octet);
    EXPECT_EQ(DomainName::parse("a"s + c + "b.example").has_value(),
              allowed.find(c) != std::string::npos)
        << octet;
  }
}

TEST(DomainName, limitsOfRfc1035) {
  EXPECT_TRUE(DomainName::parse(std::string(limits::label_octets, 'x') + ".example"));
  EXPECT_FALSE(DomainName::parse(std::string(limits::label_octets + 1, 'x') + ".example"));
  ASSERT_EQ(name_of(limits::domain_octets).size(), limits::domain_octets);
  EXPECT_TRUE(DomainName::parse(name_of(limits::domain_octets)));
  EXPECT_TRUE(DomainName::parse(name_of(limits::domain_octets) + '.'));
  EXPECT_FALSE(DomainName::parse(name_of(limits::domain_octets + 1)));
}

TEST(DomainName, labelsAndSuffixes) {
  const auto name = DomainName::parse("a.bb.example.com").value();
  EXPECT_EQ(name.label_count(), 4U);
  EXPECT_EQ(name.labels(), (std::vector<std::string_view>{"a", "bb", "example", "com"}));
  const std::string_view suffixes[] = {
      "com", "com", "example.com", "bb.example.com", "a.bb.example.com", "a.bb.example.com"};
  for (std::size_t count = 0; count < std::size(suffixes); ++count) {
    EXPECT_EQ(name.suffix(count).text(), suffixes[count]) << count;
  }
  EXPECT_EQ(DomainName::parse("com").value().suffix(1).text(), "com");
}

TEST(DomainName, belowCountsWholeLabels) {
  const auto parent = DomainName::parse("example.com").value();
  for (const std::string_view below : {"example.com", "a.example.com", "b.a.example.com"}) {
    EXPECT_TRUE(DomainName::parse(below).value().is_or_is_below(parent)) << below;
  }
  for (const std::string_view other :
       {"com", "notexample.com", "example.org", "example.com.evil.com"}) {
    EXPECT_FALSE(DomainName::parse(other).value().is_or_is_below(parent)) << other;
  }
}

// A-labels are longer than what they stand for: an octet of theirs is none of the text.
TEST(DomainName, ErrorsPointIntoTheText) {
  std::string many;
  for (int i = 0; i < 20; ++i) many += "\xc3\xbc.";
  for (const std::string& text : {many + "a..b", many + "a b"}) {
    const auto name = DomainName::parse(text);
    ASSERT_FALSE(name.has_value()) << text;
    EXPECT_LE(name.error().at, text.size()) << text;
  }
}

TEST(DomainName, equalNamesHaveEqualHashes) {
  std::unordered_set<DomainName> names;
  for (const std::string_view text : {"Example.com", "example.COM.", "example.org"}) {
    names.insert(DomainName::parse(text).value());
  }
  EXPECT_EQ(names.size(), 2U);
}

}  // namespace
}  // namespace sekisho::mail
