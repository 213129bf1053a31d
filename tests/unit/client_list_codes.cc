// Postfix's notation for lists and their codes, and what never counts.
#include "client/dns_list_codes.h"

#include <gtest/gtest.h>

namespace sekisho::client {
namespace {

mail::IpAddress address(std::string_view text) { return mail::IpAddress::parse(text).value(); }

struct Match {
  const char* pattern;  // empty: none
  const char* answer;
  bool matches;
};

TEST(ListCodes, WhatMatches) {
  const Match table[] = {
      {"127.0.0.2", "127.0.0.2", true},
      {"127.0.0.2", "127.0.0.3", false},
      {"127.0.0.2", "127.0.1.2", false},
      {"127.0.0.[2..11]", "127.0.0.1", false},
      {"127.0.0.[2..11]", "127.0.0.2", true},
      {"127.0.0.[2..11]", "127.0.0.11", true},
      {"127.0.0.[2..11]", "127.0.0.12", false},
      {"127.0.0.[1;3;5..9]", "127.0.0.2", false},
      {"127.0.0.[1;3;5..9]", "127.0.0.3", true},
      {"127.0.0.[1;3;5..9]", "127.0.0.9", true},
      {"127.0.[0..255].[1..3]", "127.0.10.3", true},
      {"127.0.[0..255].[1..3]", "127.0.10.0", false},
      {"[127].0.[0;1].[2]", "127.0.1.2", true},
      {"", "127.0.0.2", true},
      {"", "127.0.0.1", true},
      {"", "127.1.2.3", true},
      // Never, whatever the pattern says.
      {"", "127.255.255.254", false},
      {"127.255.255.[1..255]", "127.255.255.254", false},
      {"[0..255].[0..255].[0..255].[0..255]", "127.255.255.252", false},
      {"[0..255].[0..255].[0..255].[0..255]", "127.255.254.252", true},
      {"[0..255].[0..255].[0..255].[0..255]", "8.8.8.8", false},
      {"8.8.8.8", "8.8.8.8", false},
      {"", "128.0.0.2", false},
      {"", "::1", false},
      {"", "7f00:2::", false},
      {"", "::ffff:127.0.0.2", true},  // is the IPv4 address
  };
  for (const Match& each : table) {
    const std::string pattern = each.pattern;
    const auto codes = pattern.empty() ? ReturnCodes() : ReturnCodes::parse(pattern).value();
    EXPECT_EQ(codes.matches(address(each.answer)), each.matches)
        << pattern << " against " << each.answer;
  }
}

struct Text {
  const char* given;
  const char* text;
};

TEST(ListCodes, AreWrittenInTheShortestForm) {
  const Text table[] = {
      {"127.0.0.[2..11]", "127.0.0.[2..11]"},
      {"127.0.0.[2;3;4]", "127.0.0.[2..4]"},
      {"127.0.0.[9;2]", "127.0.0.[2;9]"},
      {"[127].0.0.[2..2]", "127.0.0.2"},
      {"127.0.0.[1..3;2..5;9]", "127.0.0.[1..5;9]"},
      {"127.[0..255].[0..255].[0..255]", ""},  // all of them, as without a pattern
  };
  for (const Text& each : table) {
    const auto codes = ReturnCodes::parse(each.given);
    ASSERT_TRUE(codes) << each.given;
    EXPECT_EQ(codes->text(), each.text) << each.given;
    if (codes->text().empty()) continue;
    EXPECT_EQ(ReturnCodes::parse(codes->text()), codes);
  }
}

struct Wrong {
  const char* text;
  std::size_t at;
};

TEST(ListCodes, ErrorsSayWhere) {
  const Wrong table[] = {
      {"", 0},
      {"127", 3},
      {"127.0.0", 7},
      {"127.0.0.", 8},
      {"127.0.0.256", 8},
      {"127.0.0.0002", 8},
      {"127.0.0.-2", 8},
      {"127.0.0.+2", 8},
      {"127.0.0.2 ", 9},
      {"127.0.0.2.3", 9},
      {"127.0.0.[]", 9},
      {"127.0.0.[2", 10},
      {"127.0.0.[2..]", 12},
      {"127.0.0.[2...4]", 12},
      {"127.0.0.[9..2]", 13},
      {"127.0.0.[2,3]", 10},
      {"127.0.0.[2..999]", 12},
      {"127.0.0.[99999999999999999999]", 9},
  };
  for (const Wrong& each : table) {
    const auto codes = ReturnCodes::parse(each.text);
    ASSERT_FALSE(codes) << each.text;
    EXPECT_EQ(codes.error().at, each.at) << each.text << ": " << codes.error().what;
  }
}

TEST(ListCodes, APatternThatCanNeverMatch) {
  for (const char* dead :
       {"127.255.255.[1..255]", "8.8.8.8", "[0..126].0.0.2", "[127].[255].[255].0"}) {
    EXPECT_FALSE(ReturnCodes::parse(dead)->can_match()) << dead;
  }
  for (const char* live : {"127.0.0.2", "[0..255].0.0.2", "127.[254;255].255.1"}) {
    EXPECT_TRUE(ReturnCodes::parse(live)->can_match()) << live;
  }
  EXPECT_TRUE(ReturnCodes().can_match());
}

TEST(DnsListZone, IsLowerCaseWithoutItsFinalDot) {
  const auto list = DnsListZone::parse("ZEN.Spamhaus.ORG.=127.0.0.2");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->zone, "zen.spamhaus.org");
  EXPECT_EQ(list->codes.text(), "127.0.0.2");
  EXPECT_TRUE(DnsListZone::parse("bl.example")->codes.any());
}

TEST(DnsListZone, ErrorsNeverRepeatTheText) {
  const std::string canary = "canary0123456789abcdef";
  const std::string table[] = {
      canary,  // one label
      canary + "..zen.example",
      canary + " .zen.example",
      canary + "\xff.zen.example",
      canary + ".zen.example=127.0.0.[",
      canary + ".zen.example=" + canary,
      canary + ".zen.example=127.0.0.2=" + canary,
      canary + "." + std::string(63, 'a') + "." + std::string(63, 'b') + "." +
          std::string(63, 'c') + ".example",
      "",
      "=127.0.0.2",
  };
  for (const std::string& each : table) {
    const auto list = DnsListZone::parse(each);
    ASSERT_FALSE(list) << each;
    EXPECT_EQ(list.error().what.find("canary"), std::string::npos) << list.error().what;
  }
}

// A name has 253 octets: 64 are those of an IPv6 address and its dot.
TEST(DnsListZone, LeavesRoomForAnIpv6Address) {
  const std::string labels =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(55, 'c');
  EXPECT_TRUE(DnsListZone::parse(labels + ".zenit"));
  EXPECT_EQ((labels + ".zenit").size(), max_zone_octets);
  EXPECT_FALSE(DnsListZone::parse(labels + ".zenith"));
}

TEST(ListKey, IsRecognised) {
  const Text table[] = {
      {"zen.spamhaus.org", "zen.spamhaus.org"},
      {"bl.spameatingmonkey.net", "bl.spameatingmonkey.net"},
      {"hostkarma.junkemailfilter.com", "hostkarma.junkemailfilter.com"},
      {"abcdefghijklmnopqrstuvwxyz.zen.dq.spamhaus.net", "(secret).zen.dq.spamhaus.net"},
      {"0123456789abcdef0123456789abcdef.combined.mail.abusix.zone",
       "(secret).combined.mail.abusix.zone"},
      {"a1b2c3d4e5f6g7h8.bl.example", "(secret).bl.example"},
  };
  for (const Text& each : table) {
    EXPECT_EQ(without_key(each.given), each.text);
    EXPECT_EQ(holds_key(each.given), std::string(each.given) != each.text) << each.given;
  }
}

}  // namespace
}  // namespace sekisho::client
