// Tables of words, and what makes a value without a word an error of the compiler: is_enumerator().
#include "base/words.h"

#include <gtest/gtest.h>

namespace sekisho {

namespace words_test {

enum class Colour { red, dark_green, blue2 };
constexpr auto words_of(Colour) {
  return words<Colour>(
      {{Colour::red, "red"}, {Colour::dark_green, "dark-green"}, {Colour::blue2, "blue"}});
}

enum class Number : unsigned short { one = 1, seven = 7 };
constexpr auto words_of(Number) {
  return words_of_numbers<Number>({{Number::one, "ONE"}, {Number::seven, "SEVEN"}});
}

struct Outer {
  enum class Inner : unsigned char { v4, v6 };
};
constexpr auto words_of(Outer::Inner) {
  return words<Outer::Inner>({{Outer::Inner::v4, "v4"}, {Outer::Inner::v6, "v6"}});
}

}  // namespace words_test

namespace {

using words_test::Colour;
using words_test::Number;
using words_test::Outer;

enum class Hidden { here };

TEST(Words, GoToTextAndBack) {
  EXPECT_EQ(count_of<Colour>, 3U);
  for (const Colour colour : all_values<Colour>()) {
    EXPECT_EQ(parse_word<Colour>(to_string(colour)), colour);
  }
  EXPECT_EQ(to_string(Colour::dark_green), "dark-green");
  EXPECT_EQ(to_string(Outer::Inner::v6), "v6");
  EXPECT_EQ(to_string(Number::seven), "SEVEN");
  EXPECT_EQ(parse_word<Colour>("Red"), std::nullopt);
  EXPECT_EQ(parse_word<Colour>(""), std::nullopt);
  EXPECT_EQ(to_string(static_cast<Colour>(3)), "");
  EXPECT_EQ(to_string(static_cast<Colour>(-1)), "");
  EXPECT_EQ(all_words<Colour>(), "red, dark-green, blue");
}

// What the tables are checked with: names that end in a digit, hidden ones, numbers of any sign.
TEST(Words, TheCompilerKnowsWhichValuesHaveANameToo) {
  EXPECT_TRUE(is_enumerator<Colour::blue2>());
  EXPECT_TRUE(is_enumerator<Outer::Inner::v4>());
  EXPECT_TRUE(is_enumerator<Hidden::here>());
  EXPECT_FALSE(is_enumerator<static_cast<Colour>(3)>());
  EXPECT_FALSE(is_enumerator<static_cast<Colour>(-1)>());
  EXPECT_FALSE(is_enumerator<static_cast<Outer::Inner>(2)>());
  EXPECT_FALSE(is_enumerator<static_cast<Hidden>(1)>());
  EXPECT_FALSE(is_enumerator<static_cast<Number>(2)>());
}

TEST(Words, IndexAnArray) {
  By<Colour, int> counts;
  ++counts[Colour::blue2];
  EXPECT_EQ(counts[Colour::red], 0);
  EXPECT_EQ(counts[Colour::blue2], 1);
  const By<Colour, int> sevens(7);
  for (const int each : sevens) EXPECT_EQ(each, 7);
}

TEST(Words, OfASet) {
  using Colours = SetOf<Colour>;
  Colours colours{Colour::blue2};
  EXPECT_FALSE(colours.has(Colour::red));
  colours |= Colours{Colour::red};
  EXPECT_EQ(joined_words(colours), "red,blue");
  EXPECT_TRUE(colours.holds_all_of({Colour::red}));
  EXPECT_FALSE(colours.holds_all_of({Colour::red, Colour::dark_green}));
  EXPECT_TRUE(Colours().empty());
  EXPECT_EQ(joined_words(Colours()), "");
}

}  // namespace

}  // namespace sekisho
