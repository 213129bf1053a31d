#include "mail/encoded_word.h"

#include <chrono>

#include <gtest/gtest.h>

#include "mail/charset.h"
#include "support/cpu_time.h"

namespace sekisho::mail {
namespace {

struct Case {
  const char* name;
  std::string text;
  std::string want;
};

class EncodedWord : public testing::TestWithParam<Case> {};

TEST_P(EncodedWord, IsDecodedOrLeft) {
  EXPECT_EQ(decode_encoded_words(GetParam().text), GetParam().want);
}

const std::string replaced = "\xef\xbf\xbd";

INSTANTIATE_TEST_SUITE_P(
    All, EncodedWord,
    testing::Values(
        Case{"plain", "Hello =? world ?=", "Hello =? world ?="},
        Case{"q", "=?iso-8859-1?Q?caf=E9_au_lait?=", "café au lait"},
        Case{"b", "=?UTF-8?b?5pel5pys?=", "日本"},
        Case{"iso_2022_jp", "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
        Case{"windows_1252", "=?windows-1252?Q?=80?=", "€"},
        Case{"cp1252", "=?cp1252?Q?=80?=", "€"},
        Case{"shift_jis", "=?Shift_JIS?B?k/qWew==?=", "日本"},
        Case{"gb2312", "=?gb2312?B?yNWxvg==?=", "日本"},
        // RFC 2047 §8.
        Case{"rfc_two_words", "(=?ISO-8859-1?Q?a?= b)", "(a b)"},
        Case{"rfc_adjacent", "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
        Case{"rfc_adjacent_folded", "=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"},
        Case{"rfc_blank_within", "=?ISO-8859-1?Q?a_b?=", "a b"},
        Case{"adjacent_other_charset", "=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?=", "éé"},
        Case{"character_cut_in_two", "=?utf-8?B?5pc=?= =?utf-8?B?pQ==?=", "日"},
        Case{"text_before_and_after", "Re: =?utf-8?q?=C3=A9?= x  y", "Re: é x  y"},
        Case{"without_a_blank_before", "x=?utf-8?q?=C3=A9?=y", "xéy"},
        Case{"language", "=?utf-8*en?q?a?=", "a"},
        Case{"unknown_charset", "=?x-none?q?a?=", "=?x-none?q?a?="},
        Case{"charset_that_chooses_a_module", "=?utf-8//TRANSLIT?q?a?=", "=?utf-8//TRANSLIT?q?a?="},
        Case{"cve_2024_2961", "=?ISO-2022-CN-EXT?B?GyQqSA==?=", "=?ISO-2022-CN-EXT?B?GyQqSA==?="},
        Case{"not_text_in_its_charset", "=?utf-8?q?=FF?=", "=?utf-8?q?=FF?="},
        Case{"unknown_encoding", "=?utf-8?x?a?=", "=?utf-8?x?a?="},
        Case{"cut_off", "=?utf-8?q?abc", "=?utf-8?q?abc"},
        Case{"cut_off_at_the_end", "=?utf-8?q?abc?", "=?utf-8?q?abc?"},
        Case{"bad_hex_is_kept", "=?utf-8?q?=G1=?=", "=G1="},
        Case{"empty",
             "=?utf-8?q?"
             "?=",
             ""},
        Case{"controls_are_replaced", "=?utf-8?q?=1B]0;x=07=0D=0A=00=C2=9B?=",
             replaced + "]0;x" + replaced + replaced + replaced + replaced + replaced}),
    [](const auto& one) { return one.param.name; });

TEST(EncodedWords, ALongTextIsReadInOnePass) {
  for (const std::string piece : {"=?", "=?utf-8?q?", "=?utf-8?q?a", "=?utf-8?q?a?= ", " "}) {
    std::string text;
    while (text.size() < 4'000'000) text += piece;
    const auto begun = cpu_time();
    const auto decoded = decode_encoded_words(text);
    EXPECT_LE(decoded.size(), text.size());
    EXPECT_EQ(decoded.substr(decoded.size() - 1000), text.substr(text.size() - 1000));
    EXPECT_LT(cpu_time() - begun, std::chrono::seconds(2)) << piece;
  }
}

TEST(Readable, WhatCannotBeDecodedIsShownAsFarAsItCan) {
  EXPECT_EQ(readable("caf\xe9", "iso-8859-1"), "café");
  EXPECT_EQ(readable("caf\xc3\xa9", "x-unknown"), "café");
  EXPECT_EQ(readable("caf\xe9", "x-unknown"), "caf" + replaced);
}

}  // namespace
}  // namespace sekisho::mail
