#include "base/ascii.h"

#include <gtest/gtest.h>

namespace sekisho {
namespace {

TEST(Ascii, onlyAsciiLettersChangeCase) {
  EXPECT_EQ(ascii::lower("ABCxyz[\xC4]_\xc3\x84"), "abcxyz[\xC4]_\xc3\x84");
  EXPECT_TRUE(ascii::iequals("FROM", "from"));
  EXPECT_FALSE(ascii::iequals("FROM", "froms"));
  EXPECT_FALSE(ascii::iequals("\xc4", "\xe4"));
  EXPECT_TRUE(ascii::istarts_with("List-Id", "LIST-"));
  EXPECT_FALSE(ascii::istarts_with("List", "List-"));
}

TEST(Ascii, trimTakesBlanksAndFoldsOnly) {
  EXPECT_EQ(ascii::trim("\r\n \tx y\t\r\n"), "x y");
  EXPECT_EQ(ascii::trim(" \t "), "");
  EXPECT_EQ(ascii::trim("\vx\v"), "\vx\v");
}

TEST(Ascii, controlsAreWhatNoProtocolTextHas) {
  for (int octet = 0; octet < 256; ++octet) {
    EXPECT_EQ(ascii::is_control(static_cast<char>(octet)), octet < 0x20 || octet == 0x7f) << octet;
  }
}

TEST(Ascii, orderWithoutCase) {
  const ascii::CaseInsensitiveLess less;
  EXPECT_TRUE(less("Alpha", "BETA"));
  EXPECT_FALSE(less("same", "SAME"));
  EXPECT_FALSE(less("SAME", "same"));
}

}  // namespace
}  // namespace sekisho
