#include "mail/mailbox.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "mail/limits.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

TEST(Mailbox, isReadAndWritten) {
  const struct {
    std::string_view text, local_part, domain, written;
  } cases[] = {
      {"a@example.com", "a", "example.com", "a@example.com"},
      {"A.b+c=d@EXAMPLE.com.", "A.b+c=d", "example.com", "A.b+c=d@example.com"},
      {"\"a b\"@example.com", "a b", "example.com", "\"a b\"@example.com"},
      {"\"a@b\"@example.com", "a@b", "example.com", "\"a@b\"@example.com"},
      {"\"a\\\"\\\\b\"@example.com", "a\"\\b", "example.com", "\"a\\\"\\\\b\"@example.com"},
      {"\"plain\"@example.com", "plain", "example.com", "plain@example.com"},
      {"\"|sh\"@example.com", "|sh", "example.com", "|sh@example.com"},
      {"a..b@docomo.example", "a..b", "docomo.example", "\"a..b\"@docomo.example"},
      {"a.@docomo.example", "a.", "docomo.example", "\"a.\"@docomo.example"},
      {"'any@attack.com", "'any", "attack.com", "'any@attack.com"},
      {"用户@例え.テスト", "用户", "xn--r8jz45g.xn--zckzah", "用户@xn--r8jz45g.xn--zckzah"},
      {"prvs=123=a@example.com", "prvs=123=a", "example.com", "prvs=123=a@example.com"},
  };
  for (const auto& test_case : cases) {
    const auto mailbox = Mailbox::parse(test_case.text);
    ASSERT_TRUE(mailbox) << test_case.text << ": " << mailbox.error().what;
    EXPECT_EQ(mailbox->local_part, test_case.local_part);
    EXPECT_EQ(mailbox->domain.text(), test_case.domain);
    EXPECT_EQ(mailbox->text(), test_case.written);
    EXPECT_EQ(Mailbox::parse(mailbox->text()), *mailbox);
  }
}

TEST(Mailbox, whatTwoReadersCouldReadInTwoWaysIsRefused) {
  const std::string texts[] = {
      "",
      "a",
      "a@",
      "@example.com",
      "\"\"@example.com",
      "a b@example.com",
      " a@example.com",
      "a@example.com ",
      "a@b@example.com",
      "a@[192.0.2.1]",
      "a\t@example.com",
      "a\r\n@example.com",
      "a\0@example.com"s,
      "a\x7f@example.com",
      "\"a\rb\"@example.com",
      "\"a\0b\"@example.com"s,
      "\"a\\\nb\"@example.com",
      "\"a@example.com",
      "\"a\\",
      "\"",
      "\"a\"b@example.com",
      "\"a\".b@example.com",
      "a\"b\"@example.com",
      "(any@legitimate.com",
      "any@legitimate.com(a.attack.com",
      "any@legitimate.com'@any.attack.com",
      "a)@example.com",
      "a<b@example.com",
      "a>b@example.com",
      "a,b@example.com",
      "a;b@example.com",
      "a:b@example.com",
      "a\\b@example.com",
      "<a@example.com>",
  };
  for (const auto& text : texts) EXPECT_FALSE(Mailbox::parse(text)) << escape_for_log(text);
}

TEST(Mailbox, errorsSayWhere) {
  EXPECT_EQ(Mailbox::parse("ab@exam ple.com").error().at, 7U);
  EXPECT_EQ(Mailbox::parse("a b@example.com").error().at, 1U);
}

TEST(Mailbox, localPartLimit) {
  const std::string longest(limits::local_part_octets, 'x');
  EXPECT_TRUE(Mailbox::parse(longest + "@example.com"));
  EXPECT_FALSE(Mailbox::parse(longest + "x@example.com"));
  EXPECT_TRUE(Mailbox::parse('"' + longest + "\"@example.com"));
  EXPECT_FALSE(Mailbox::parse('"' + longest + "x\"@example.com"));
}

TEST(ReversePath, isAMailboxOrNull) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"<a@example.com>", "a@example.com"},
      {"a@example.com", "a@example.com"},
      {"<>", ""},
      {"", ""},
      {"<@relay.example:a@example.com>", "a@example.com"},
      {"<@a.example,@b.example:a@example.com>", "a@example.com"},
      {"@a.example:a@example.com", "a@example.com"},
      {"<\"a>b\"@example.com>", "\"a>b\"@example.com"},
  };
  for (const auto& [text, written] : cases) {
    const auto path = ReversePath::parse(text);
    ASSERT_TRUE(path) << text << ": " << path.error().what;
    EXPECT_EQ(path->text(), written);
    EXPECT_EQ(path->is_null(), written.empty());
  }
}

TEST(ReversePath, otherTextIsNone) {
  for (const std::string_view text :
       {"<", ">", "<a@example.com", "a@example.com>", "< >", "<<>>", "<a>", "<@a.example>",
        "<@a.example:>", "<@:a@example.com>", "<@a.example,:a@example.com>",
        "<@a.example,b.example:a@example.com>", "<@a b:a@example.com>", "<a@example.com>x",
        "<a@example.com><b@example.org>"}) {
    EXPECT_FALSE(ReversePath::parse(text)) << text;
  }
}

// The envelopes of "Composition Kills" (USENIX Security 2020): each has one reading, or none.
TEST(ReversePath, composedEnvelopes) {
  EXPECT_FALSE(ReversePath::parse("<(any@legitimate.com>"));                  // A2
  EXPECT_FALSE(ReversePath::parse("<any@legitimate.com(a.attack.com>"));      // A5
  EXPECT_FALSE(ReversePath::parse("<any@legitimate.com'@any.attack.com>"));   // A6
  EXPECT_EQ(ReversePath::parse("<@legitimate.com,@any.com:'any@attack.com>")  // A7
                .value()
                .mailbox()
                ->domain.text(),
            "attack.com");
}

}  // namespace
}  // namespace sekisho::mail
