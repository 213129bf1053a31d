#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace sekisho {
namespace {

TEST(Base64, vectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {std::string_view("\0\xff\x80", 3), "AP+A"},
  };
  for (const auto& [octets, text] : vectors) {
    EXPECT_EQ(base64_encode(octets), text);
    EXPECT_EQ(base64_decode(text), std::string(octets)) << text;
  }
}

TEST(Base64, whatIsNotBase64IsRefused) {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zm9v=", "Zg==Zg==", "Z===", "====", "=Zg=",
                                      "Zm 9", "Zm9\n", "Zm9-", "Zm9_", "Zm9v Zg=="}) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  }
  EXPECT_EQ(base64_decode(std::string_view("Zm\0v", 4)), std::nullopt);
}

TEST(Hex, everyOctetHasTwoDigits) {
  EXPECT_EQ(hex_encode(std::string_view("\0\x0f\xff z", 5)), "000fff207a");
}

TEST(EscapeForLog, whatCouldActOnATerminalIsShownAsOctets) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"plain text", "plain text"},
      {"Grüße 日本", "Grüße 日本"},
      {"a\"b\\c", "a\\x22b\\x5cc"},
      {"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"},
      {"line\r\nid=forged", "line\\x0d\\x0aid=forged"},
      {"\x7f", "\\x7f"},
      {"latin1 \xfc", "latin1 \\xfc"},
      {"overlong \xc0\xaf", "overlong \\xc0\\xaf"},
      {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
      {"cut \xe6\x97", "cut \\xe6\\x97"},
      {"csi \xc2\x9b", "csi \\xc2\\x9b"},
      {"rlo \xe2\x80\xae", "rlo \\xe2\\x80\\xae"},
      {"line separator \xe2\x80\xa8", "line separator \\xe2\\x80\\xa8"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(escape_for_log(text), shown);
  EXPECT_EQ(escape_for_log(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(EscapeForLog, aWordEndsAtNoBlank) {
  EXPECT_EQ(escape_as_word("\"x>  action=forged\"@a.example"),
            "\\x22x>\\x20\\x20action=forged\\x22@a.example");
  EXPECT_EQ(escape_as_word("日本@a.example"), "日本@a.example");
  EXPECT_EQ(escape_as_word("a b c", 3), "a\\x20b…");
}

TEST(EscapeForLog, longTextIsCutAtACharacter) {
  EXPECT_EQ(escape_for_log("abcd", 4), "abcd");
  EXPECT_EQ(escape_for_log("abcde", 4), "abcd…");
  EXPECT_EQ(escape_for_log("abcü", 4), "abc…");
  EXPECT_EQ(escape_for_log("", 0), "");
  EXPECT_EQ(escape_for_log(std::string(513, 'x')), std::string(512, 'x') + "…");
}

TEST(Utf8, readsEveryLengthAndItsBounds) {
  const struct {
    std::string_view text;
    char32_t code_point;
    std::size_t octets;
  } cases[] = {
      {"a", U'a', 1},
      {"\x7f", 0x7f, 1},
      {"\xc2\x80", 0x80, 2},
      {"\xdf\xbf", 0x7ff, 2},
      {"\xe0\xa0\x80", 0x800, 3},
      {"\xef\xbf\xbf", 0xffff, 3},
      {"\xf0\x90\x80\x80", 0x10000, 4},
      {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
  };
  for (const auto& test_case : cases) {
    const auto character = first_utf8_character(test_case.text);
    ASSERT_TRUE(character);
    EXPECT_EQ(character->code_point, test_case.code_point);
    EXPECT_EQ(character->octets, test_case.octets);
  }
}

TEST(EscapeForTerminal, quotesStayAndWhatSteersDoesNot) {
  EXPECT_EQ(escape_for_terminal("a \"b\" \\ 関所"), "a \"b\" \\ 関所");
  EXPECT_EQ(escape_for_terminal("\x1b[2J\n\x7f\xff\u202e"),
            "\\x1b[2J\\x0a\\x7f\\xff\\xe2\\x80\\xae");
  EXPECT_EQ(escape_for_terminal(std::string(5000, 'x')).size(), 5000U) << "nothing is cut off";
}

TEST(Utf8, whatIsNotWellFormedIsNothing) {
  for (const std::string_view text :
       {"", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xe2\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xfe", "\xff"}) {
    EXPECT_FALSE(first_utf8_character(text)) << escape_for_log(text);
  }
  EXPECT_TRUE(is_utf8("Grüße"));
  EXPECT_FALSE(is_utf8("Gr\xfc\xdf"));
}

}  // namespace
}  // namespace sekisho
