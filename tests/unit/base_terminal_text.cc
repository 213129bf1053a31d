#include "base/terminal_text.h"

#include <gtest/gtest.h>

namespace sekisho {
namespace {

TEST(TerminalText, Widths) {
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("日本語"), 6U);
  EXPECT_EQ(columns_of("ｱｲｳ"), 3U);  // halfwidth
  EXPECT_EQ(columns_of("한국"), 4U);
  EXPECT_EQ(columns_of("e\xcc\x81"), 1U);
  EXPECT_EQ(columns_of("😀"), 2U);
}

struct Case {
  const char* name;
  std::string text;
  std::size_t columns;
  std::string want;
};

class Printable : public testing::TestWithParam<Case> {};

TEST_P(Printable, SteersNoTerminalAndFits) {
  const auto& [name, text, columns, want] = GetParam();
  EXPECT_EQ(printable(text, columns), want);
  EXPECT_LE(columns_of(printable(text, columns)), columns);
  EXPECT_EQ(columns_of(cell(text, columns)), columns);
}

INSTANTIATE_TEST_SUITE_P(
    All, Printable,
    testing::Values(Case{"plain", "Hello \"you\"", 20, "Hello \"you\""},
                    Case{"cut", "Hello world", 5, "Hell…"}, Case{"fits", "Hello", 5, "Hello"},
                    Case{"plain_and_a_mark_that_fits", "Hello\xcc\x81", 5, "Hello\xcc\x81"},
                    Case{"plain_and_an_escape", "Hello\x1b", 5, "Hell…"},
                    Case{"plain_and_a_backslash", "ab\\", 3, "ab…"},
                    Case{"cut_to_one", "Hello", 1, "…"}, Case{"wide_fits", "日本語", 6, "日本語"},
                    Case{"wide_cut", "日本語", 5, "日本…"},
                    Case{"wide_cut_before_the_middle", "日本語", 4, "日…"},
                    Case{"wide_in_one_column", "日本", 1, "…"}, Case{"nothing", "x", 0, ""},
                    Case{"escape_sequence", "\x1b[2Jx", 20, "\\x1b[2Jx"},
                    Case{"osc", "\x1b]0;t\x07", 20, "\\x1b]0;t\\x07"},
                    Case{"carriage_return", "a\rb", 20, "a\\x0db"},
                    Case{"escape_is_not_cut_in_two", "abc\x1b", 6, "abc…"},
                    Case{"c1",
                         "\xc2\x9b"
                         "2J",
                         20, "\\xc2\\x9b2J"},
                    Case{"latin_1", "caf\xe9", 20, "caf\\xe9"},
                    Case{"bidi",
                         "a\xe2\x80\xae"
                         "b",
                         20, "a\\xe2\\x80\\xaeb"},
                    Case{"zero_width",
                         "a\xe2\x80\x8b"
                         "b",
                         20, "a\\xe2\\x80\\x8bb"},
                    Case{"filler", "\xe3\x85\xa4", 20, "\\xe3\\x85\\xa4"},
                    Case{"tag_character", "\xf3\xa0\x81\x81", 20, "\\xf3\\xa0\\x81\\x81"},
                    Case{"backslash", "\\x1b", 20, "\\x5cx1b"},
                    Case{"mark_on_nothing", "\xcc\x81", 20, "\\xcc\\x81"},
                    Case{"marks", "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", 20,
                         "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\\xcc\\x81"}),
    [](const auto& one) { return one.param.name; });

TEST(TerminalText, WithoutUtf8OnlyAsciiIsShown) {
  EXPECT_EQ(printable("é\xd0\x9b", 40, Charset::ascii), "\\xc3\\xa9\\xd0\\x9b");
  EXPECT_EQ(printable("abcdef", 3, Charset::ascii), "ab~");
}

TEST(TerminalText, LinesStayLines) {
  EXPECT_EQ(printable_lines("a\tb\r\nc\x1b\rd\n\ne"), "a\tb\nc\\x1b\\x0dd\n\ne");
}

TEST(TerminalText, FoldsLinesAtBlanks) {
  struct Folding {
    const char* text;
    const char* folded;
  };
  for (const auto& [text, expected] : std::initializer_list<Folding>{
           {"", ""},
           {"  fits\n\nin\n", "  fits\n\nin\n"},
           {"exactly te\n", "exactly te\n"},
           {"one two three", "one two\n   three"},
           {"one  two  three four\nfive", "one  two\n   three\n   four\nfive"},
           {"a verylongword b", "a\n   verylongword\n   b"},
           {"verylongword b", "verylongword\n   b"},
           {"   indented text", "   indented\n   text"},
           {"日本語 日本語", "日本語\n   日本語"}}) {
    EXPECT_EQ(folded(text, 10, 3), expected) << text;
  }
}

}  // namespace
}  // namespace sekisho
