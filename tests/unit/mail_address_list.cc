#include "mail/address_list.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "mail/limits.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

using Mailboxes = std::vector<std::pair<std::string, std::string>>;  // name, address

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(AddressList, isRead) {
  const std::pair<std::string_view, Mailboxes> cases[] = {
      {"", {}},
      {" \r\n ", {}},
      {",, ,", {}},
      {"a@example.com", {{"", "a@example.com"}}},
      {" <a@example.com > ", {{"", "a@example.com"}}},
      {"Alice <a@example.com>", {{"Alice", "a@example.com"}}},
      {"Alice<a@example.com>", {{"Alice", "a@example.com"}}},
      {"J. R. \"Bob\" Dobbs <b@example.com>", {{"J. R. Bob Dobbs", "b@example.com"}}},
      {"\"Doe, Jane\" <j@example.com>", {{"Doe, Jane", "j@example.com"}}},
      {"\"J. \\\"Bob\\\" Dobbs\" <b@example.com>", {{"J. \"Bob\" Dobbs", "b@example.com"}}},
      {"\"folded\r\n name\" <a@example.com>", {{"folded name", "a@example.com"}}},
      {"[List] Alice <a@example.com>", {{"[List] Alice", "a@example.com"}}},
      {"a@example.com (Alice)", {{"", "a@example.com"}}},
      {"(x (y) \\) z) a@example.com", {{"", "a@example.com"}}},
      {"Alice\r\n (her comment)\r\n <a@example.com>", {{"Alice", "a@example.com"}}},
      {"=?utf-8?q?Alice?= <a@example.com>", {{"=?utf-8?q?Alice?=", "a@example.com"}}},
      {"Gr\xfc\xdf"
       "e <a@example.com>",
       {{"Gr\xfc\xdf"
         "e",
         "a@example.com"}}},
      {"\"a b\"@example.com", {{"", "\"a b\"@example.com"}}},
      {"a..b@docomo.example", {{"", "\"a..b\"@docomo.example"}}},
      {"a@Example.COM, ,B <b@bücher.example>,",
       {{"", "a@example.com"}, {"B", "b@xn--bcher-kva.example"}}},
      {"Undisclosed: ;", {}},
      {"Friends: a@example.com, ;, c@example.net", {{"", "a@example.com"}, {"", "c@example.net"}}},
      {"A: a@example.com;, B: b@example.com;", {{"", "a@example.com"}, {"", "b@example.com"}}},
      {"a@example.com <A@example.com>", {{"a@example.com", "A@example.com"}}},
      // RFC 5322 §4.4.
      {"a @ example.com", {{"", "a@example.com"}}},
      {"a@(c)example.com", {{"", "a@example.com"}}},
      {"a(c)@example.com", {{"", "a@example.com"}}},
      {"<(c)a@example.com>", {{"", "a@example.com"}}},
      {"<a@example.com(c)>", {{"", "a@example.com"}}},
      {"a\r\n @example.com", {{"", "a@example.com"}}},
      {"<a . b@example . com>", {{"", "a.b@example.com"}}},
      {"\"a\".b@example.com", {{"", "a.b@example.com"}}},
      {"a.\"b\"@example.com", {{"", "a.b@example.com"}}},
      {"<@bank.example:a@example.com>", {{"", "a@example.com"}}},
      {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
       {{"Pete", "pete@silly.test"}}},
      {"x=?y@example.com", {{"", "x=?y@example.com"}}},
      {"Alice\u200e <a@example.com>", {{"Alice\u200e", "a@example.com"}}},
      // No domain, and valid.
      {"a@[192.0.2.1]", {}},
      {"a@[IPv6:2001:db8::1], <b@[ 192.0.2.1 ]>", {}},
  };
  for (const auto& [value, wanted] : cases) {
    const auto list = parse_address_list(value);
    ASSERT_TRUE(list) << value << ": " << list.error().what;
    Mailboxes read;
    for (const auto& [name, mailbox] : list->mailboxes) read.emplace_back(name, mailbox.text());
    EXPECT_EQ(read, wanted) << value;
  }
}

TEST(AddressList, whatReadersReadInTwoWaysIsRefused) {
  const std::string values[] = {
      "alice",
      "<>",
      "Alice <>",
      "Alice <alice>",
      "<a@example.com",
      "a@example.com>",
      "Alice a@example.com",
      "a@example.com Alice",
      "a@",
      "@example.com",
      "\"\"@example.com",
      "a@[bank.example]",
      "a@[192.0.2.1",
      "a@b@example.com",
      "<a@b@example.com>",
      "a@example .com",
      "<a@example.\r\n com>",
      "<a@(x@bank.example)example.com>",
      "<a . (x@bank.example)b@example.com>",
      "<(x@bank.example)@bank.example:a@example.com>",
      "<a@example.com (x@bank.example)>",
      "a@example.com(x (y) z)",
      "\"a\r\n b\"@example.com",
      "\"a\tb\"@example.com",
      "\"a@bank.example\"@example.com",
      "\"a>b\"@example.com",
      "\"a,b\"@example.com",
      "\"a;b\"@example.com",
      "\"a\\b\"@example.com",
      "<\"\\\"<x@bank.example>\"@example.com>",
      "\"a\\\"<x@bank.example>\" <a@example.com>",
      "Admin. \"\\\" <x@bank.example>\" <a@example.com>",
      "\"Doe\\, Jane\" <a@example.com>",
      "(\\) <x@bank.example>) a@example.com",
      "(a (b) <x@bank.example>) a@example.com",
      "\"a\r\n x@bank.example\" <a@example.com>",
      "(a\r\n x@bank.example) a@example.com",
      "\"x@bank.example\" <a @example.com>",
      "=?utf-8?q?x=40bank.example?= <a@example.com.>",
      "=?utf-8?b?eEBiYW5r=LmV4YW1wbGU=?= <a @example.com>",
      "[List] \"x@bank.example\" <a@example.com>",
      "\"x@bank.example\": a@example.com;",
      "(x@bank.example), a@example.com",
      "a@example.com, (x@bank.example)",
      "A: (x@bank.example), a@example.com;",
      "\"x\"=?u:tf-8?q?a=40bank.example?= <a@example.com>;",
      "a@com.\u7f51\u7edc",
      "[@example.com",
      "<<a@example.com>>",
      "<a@example.com> <b@example.org>",
      "<a@example.com> b@example.org",
      "<a@example.com>b@example.org",
      "a@example.com <b@example.com>",
      "a@bank.example <a@example.com>",
      "a@bank.example x <a@example.com>",
      "x a@bank.example <a@example.com>",
      "<@a.example,@b.example:a@example.com>",
      "a@example.com; b@example.org",
      "a@example.com;",
      ": a@example.com;",
      "Friends: a@example.com",
      "A: B: a@example.com;;",
      "A: a@example.com; b@example.com",
      "bank.example:a@example.com",
      "<a@example.com>\\,<b@example.org>",
      "a@example.com\\",
      "\"Alice <a@example.com>",
      "(Alice <a@example.com>",
      "Alice) <a@example.com>",
      "(\\",
      "\"\\",
      "=?utf-8?b?YQ==?=@example.com",
      "\"=?utf-8?b?YQ==?=\"@example.com",
      "\xff@example.com",
      "a@\xff.example",
      "a@example.com\0.evil.example"s,
      "Al\0ice <a@example.com>"s,
      "Alice\x0b<a@example.com>",
      "Alice\x7f <a@example.com>",
      "a@example.com\rFrom: b@example.org",
      "a@example.com\nFrom: b@example.org",
      "a@example.com\r\nFrom: b@example.org",
      "a@example.com\r",
      "a@example.com\r\n",
      "Alice\n <a@example.com>",
      "moc.knab@\u202e <a@example.com>",
      "\"\u202dx\" <a@example.com>",
      "(\u2066) <a@example.com>",
      "Alice\u2028 <a@example.com>",
      "Alice\u0085 <a@example.com>",
  };
  for (const auto& value : values) {
    EXPECT_FALSE(parse_address_list(value)) << escape_for_log(value);
  }
}

TEST(AddressList, mailboxLimit) {
  const std::string full = repeated("a@b.example,", limits::address_list_mailboxes);
  EXPECT_EQ(parse_address_list(full).value().mailboxes.size(), limits::address_list_mailboxes);
  EXPECT_FALSE(parse_address_list(full + "a@b.example"));
}

TEST(AddressList, commentNestingLimit) {
  const auto nested = [](std::size_t depth) {
    return repeated("(", depth) + repeated(")", depth) + "a@example.com";
  };
  EXPECT_TRUE(parse_address_list(nested(limits::comment_nesting)));
  EXPECT_FALSE(parse_address_list(nested(limits::comment_nesting + 1)));
}

TEST(AddressList, localPartLimit) {
  const std::string longest(limits::local_part_octets, 'x');
  EXPECT_TRUE(parse_address_list('<' + longest + "@example.com>"));
  EXPECT_FALSE(parse_address_list('<' + longest + "x@example.com>"));
}

// CVE-2002-1337 and its kind: reading stops where the error is, however much of the same follows.
TEST(AddressList, floodsStopAtTheFirstError) {
  constexpr std::size_t flood = 100'000;
  const struct {
    std::string_view repeated;
    std::size_t error_at;
  } cases[] = {
      {"(", limits::comment_nesting},
      {"<>", 1},
      {"<", 1},
      {">", 0},
      {"@", 0},
      {";", 0},
      {"a,", 1},
      {"a@b,", 4 * limits::address_list_mailboxes + 3},
      {"\\", 0},
      {":", 0},
      {"x:", 3},
  };
  for (const auto& test_case : cases) {
    const auto list = parse_address_list(repeated(test_case.repeated, flood));
    ASSERT_FALSE(list) << test_case.repeated;
    EXPECT_EQ(list.error().at, test_case.error_at) << test_case.repeated;
  }
}

TEST(AddressList, floodsOfWhatIsAllowedAreRead) {
  constexpr std::size_t flood = 100'000;
  for (const std::string_view part :
       {",", "()", " ", "\r\n ", "(\\()", "x ", "\"\\\"\" ", "[", "."}) {
    EXPECT_EQ(parse_address_list(repeated(part, flood) + "<a@example.com>").has_value(), true)
        << part;
  }
}

}  // namespace
}  // namespace sekisho::mail
