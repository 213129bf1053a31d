#include <algorithm>
#include <cctype>
#include <random>

#include "authres/syntax.h"
#include "support/authres_cases.h"

namespace sekisho::test {
namespace {

using authres::AuthenticationResults;
using authres::MethodResult;

std::vector<std::string> lines_of(const std::string& value) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  for (std::size_t end = value.find("\r\n"); end != std::string::npos;
       end = value.find("\r\n", at)) {
    lines.push_back(value.substr(at, end - at));
    at = end + 2;
  }
  lines.push_back(value.substr(at));
  lines.front().insert(0, "Authentication-Results:");
  return lines;
}

AuthenticationResults one(std::string value) {
  MethodResult result;
  result.method = "spf";
  result.result = "fail";
  result.properties = {{"smtp", "mailfrom", std::move(value)}};
  AuthenticationResults field;
  field.authserv_id = "mx.shop.test";
  field.results = {result};
  return field;
}

TEST(AuthresWrite, NoResults) {
  AuthenticationResults field;
  field.authserv_id = "mx.shop.test";
  EXPECT_EQ(authres::write(field), " mx.shop.test; none");
  field.id_comment = "id=K7Q2-4D";
  EXPECT_EQ(authres::write(field), " mx.shop.test (id=K7Q2-4D); none");
  field.version = 2;
  EXPECT_EQ(authres::write(field), " mx.shop.test (id=K7Q2-4D) 2; none");
  field.authserv_id = "Gate Keeper";
  EXPECT_EQ(authres::write(field), " \"Gate Keeper\" (id=K7Q2-4D) 2; none");
}

TEST(AuthresWrite, Values) {
  struct Row {
    std::string value;
    std::string written;
  };
  const Row rows[] = {
      {"news.test", "news.test"},
      {"a@news.test", "a@news.test"},
      {"@news.test", "@news.test"},
      {"@news.test.", "\"@news.test.\""},
      {"a@news.test.", "\"a@news.test.\""},
      {"@localhost", "\"@localhost\""},
      {"a@localhost", "\"a@localhost\""},
      {"a@news_letter.test", "\"a@news_letter.test\""},
      {"a@-news.test", "\"a@-news.test\""},
      {"a@news-.test", "\"a@news-.test\""},
      {"a@news..test", "\"a@news..test\""},
      {"a@.news.test", "\"a@.news.test\""},
      {".a@news.test", "\".a@news.test\""},
      {"a.@news.test", "\"a.@news.test\""},
      {"a..b@news.test", "\"a..b@news.test\""},
      {"a@b\u00fccher.test", "\"a@b\u00fccher.test\""},
      {"@", "\"@\""},
      {"@@", "\"@@\""},
      {"a@", "\"a@\""},
      {"a@[192.0.2.1]", "\"a@[192.0.2.1]\""},
      {"\"a b\"@news.test", "\"\\\"a b\\\"@news.test\""},
      {"news.test.", "news.test."},
      {"news_letter.test", "news_letter.test"},
      {"192.0.2.1", "192.0.2.1"},
      {"2001:db8::1", "\"2001:db8::1\""},
      {"", "\"\""},
      {"a b@news.test", "\"a b@news.test\""},
      {"b+u=x.test@news.test", "\"b+u=x.test@news.test\""},
      {"a@b@c.test", "\"a@b@c.test\""},
      {"a\"b\\c", "\"a\\\"b\\\\c\""},
      {"x; dmarc=pass", "\"x; dmarc=pass\""},
      {"(comment)", "\"(comment)\""},
      {"bücher@news.test", "\"bücher@news.test\""},
      {"a\r\nX-Evil: 1", "\"aX-Evil: 1\""},
      {std::string("a\0b", 3), "ab"},
      {"a\x1b[31mb", "\"a[31mb\""},
      {"a\xff\xc3(b", "\"a(b\""},
      {"a\xc2\x85"
       "b\xe2\x80\xa8"
       "c",
       "abc"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(authres::write(one(row.value)),
              " mx.shop.test;\r\n\tspf=fail smtp.mailfrom=" + row.written);
  }
}

TEST(AuthresWrite, CommentsAreFoldedAndEscaped) {
  AuthenticationResults field = one("news.test");
  field.results[0].comment = "p=reject (really) \\ \r\n end";
  EXPECT_EQ(
      authres::write(field),
      " mx.shop.test;\r\n\tspf=fail (p=reject \\(really\\) \\\\ end) smtp.mailfrom=news.test");
  field.results[0].comment = "";
  for (int i = 0; i < 30; ++i) field.results[0].comment += "word ";
  for (const auto& line : lines_of(authres::write(field))) EXPECT_LE(line.size(), 78U) << line;
  EXPECT_TRUE(authres::parse(authres::write(field), authres::Syntax::strict));
}

TEST(AuthresWrite, LinesStayShortWhereverAFoldCanBeHad) {
  AuthenticationResults field = one("news.test");
  for (std::size_t width = 1; width < 70; ++width) {
    field.results[0].properties = {{"smtp", "helo", std::string(width, 'a')},
                                   {"smtp", "mailfrom", std::string(width, 'b')},
                                   {"header", "from", std::string(20, 'c')}};
    field.results.resize(1);
    field.results.push_back(field.results[0]);
    const std::string value = authres::write(field);
    for (const auto& line : lines_of(value)) {
      const bool one_word = line.find(' ') == std::string::npos;
      EXPECT_TRUE(line.size() <= 78 || one_word) << width << ": " << line;
      EXPECT_NE(line.find_first_not_of(" \t"), std::string::npos) << "a line of blanks alone";
    }
    const auto again = authres::parse(value, authres::Syntax::strict);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->results, field.results);
  }
}

// RFC 8601 §2.2: a value is a token, a quoted string, or an address whose domain is one to the
// letter.
bool is_pvalue(std::string_view text) {
  const std::string_view specials = "()<>@,;:\\\"/[]?=";
  const auto is_token_octet = [&](char c) {
    return c > ' ' && c < 0x7f && specials.find(c) == std::string_view::npos;
  };
  const auto is_label = [](std::string_view label) {
    return !label.empty() && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), [](char c) {
             return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
           });
  };
  if (text.starts_with('"')) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') return i + 1 == text.size();
      if (text[i] == '\\') ++i;
    }
    return false;
  }
  const auto at = text.find('@');
  if (at == std::string_view::npos) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_octet);
  }
  std::size_t labels = 0;
  for (std::string_view rest = text.substr(at + 1);; ++labels) {
    const auto dot = rest.find('.');
    if (!is_label(rest.substr(0, dot))) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  const auto local = text.substr(0, at);
  const bool dots =
      local.starts_with('.') || local.ends_with('.') || local.find("..") != std::string_view::npos;
  return labels > 0 && !dots && std::all_of(local.begin(), local.end(), is_token_octet);
}

// Generated values of every property: each is written so that it is one by the letter, and comes
// back as it was.
TEST(AuthresWrite, EveryValueIsOneToTheLetter) {
  const std::string_view pieces[] = {"a",
                                     "b.c",
                                     ".",
                                     "..",
                                     "@",
                                     "-",
                                     "_",
                                     "\"",
                                     "\\",
                                     " ",
                                     "(",
                                     ")",
                                     ";",
                                     "=",
                                     "/",
                                     ":",
                                     "[",
                                     "]",
                                     ",",
                                     "?",
                                     "<",
                                     ">",
                                     "'",
                                     "%",
                                     "+",
                                     "!",
                                     "#",
                                     "~",
                                     "`",
                                     "\t",
                                     "\r\n",
                                     "\x7f",
                                     "\x1b",
                                     "x.test",
                                     "\xc3\xbc",
                                     "\xff",
                                     "\xe2\x80\xa8",
                                     "192.0.2.1",
                                     "2001:db8::1"};
  std::mt19937 random(20261130);
  const auto number = [&](std::size_t below) { return random() % below; };
  std::size_t bare = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t n = number(7); n > 0; --n) text += pieces[number(std::size(pieces))];
    AuthenticationResults field = one(text);
    field.results[0].properties.push_back({"smtp", "helo", text});
    field.results[0].properties.push_back({"header", "i", text});
    field.results[0].reason = text;
    const std::string value = authres::write(field);
    const auto again = authres::parse(value, authres::Syntax::strict);
    ASSERT_TRUE(again) << value;
    ASSERT_EQ(again->results.size(), 1U) << value;
    ASSERT_EQ(again->results[0].properties.size(), 3U) << value;
    const std::string mark = "header.i=";
    const std::string written = value.substr(value.find(mark) + mark.size());
    ASSERT_TRUE(is_pvalue(written)) << value;
    bare += written.starts_with('"') ? 0 : 1;
    const std::string kept = authres::cleaned(text, 480);
    for (const auto& property : again->results[0].properties) ASSERT_EQ(property.value, kept);
  }
  EXPECT_GT(bare, 500U) << "what needs no quotes has none";
}

// Attacks, by name.

// Whatever a sender puts into a value: the field has the results that we gave it, and no line that
// starts anything else.
TEST(AuthresHostile, NothingBreaksOutOfAValue) {
  const std::string texts[] = {"x; dmarc=pass header.from=bank.test",
                               "x\"; dmarc=pass",
                               "x\\",
                               "x\\\"; dmarc=pass (",
                               "x\r\nSubject: y",
                               "x\r\n\r\nbody",
                               "x\n dmarc=pass",
                               std::string("x\0; dmarc=pass", 15),
                               "legit.com'a.attack.com",
                               "legit.com(.attack.com",
                               "legit.com\".a",
                               "x) ; dmarc=pass (",
                               "\xe2\x80\xae"
                               "x",
                               std::string(100'000, 'a'),
                               std::string(100'000, '"'),
                               std::string(100'000, '\xff')};
  for (const std::string& text : texts) {
    AuthenticationResults field = one(text);
    field.results[0].reason = text;
    field.results[0].comment = text;
    field.id_comment = text;
    const std::string value = authres::write(field);
    const auto again = authres::parse(value, authres::Syntax::strict);
    ASSERT_TRUE(again) << value;
    EXPECT_EQ(again->authserv_id, "mx.shop.test");
    ASSERT_EQ(again->results.size(), 1U) << value;
    EXPECT_EQ(again->results[0].result, "fail");
    EXPECT_LE(again->results[0].properties.size(), 1U);
    const auto lines = lines_of(value);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_LE(lines[i].size(), 998U);
      if (i > 0) {
        EXPECT_EQ(lines[i][0], '\t');
      }
      for (const char c : lines[i]) EXPECT_TRUE(c == '\t' || static_cast<unsigned char>(c) >= 0x20);
    }
  }
}

}  // namespace
}  // namespace sekisho::test
