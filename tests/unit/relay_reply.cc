// Replies as servers write them, and as nobody should.
#include "relay/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::relay {
namespace {

using State = ReplyReader::State;
using Strictness = ReplyReader::Strictness;
using testing::HasSubstr;

ReplyReader reader(Strictness strictness = Strictness::lenient) { return ReplyReader(strictness); }

Reply read(std::string_view octets) {
  ReplyReader one = reader();
  EXPECT_EQ(one.read(octets), State::complete);
  EXPECT_EQ(octets, "");
  return one.take();
}

std::string why_broken(std::string_view octets, Strictness strictness = Strictness::lenient) {
  ReplyReader one = reader(strictness);
  EXPECT_EQ(one.read(octets), State::broken);
  // It stays so.
  std::string_view more = "250 ok\r\n";
  EXPECT_EQ(one.read(more), State::broken);
  return one.why();
}

TEST(RelayReply, OneLine) {
  const Reply reply = read("250 2.1.5 Ok\r\n");
  EXPECT_EQ(reply.code, 250);
  EXPECT_EQ(reply.text(), "250 2.1.5 Ok");
  EXPECT_EQ(reply.whole(), "250 2.1.5 Ok");
  EXPECT_EQ(reply.status(), "2.1.5");
}

TEST(RelayReply, SeveralLines) {
  const Reply reply = read("550-5.7.1 No\r\n550-5.7.1\r\n550 5.7.1 never\r\n");
  EXPECT_EQ(reply.code, 550);
  EXPECT_EQ(reply.whole(), "550-5.7.1 No\n550-5.7.1\n550 5.7.1 never");
  EXPECT_EQ(reply.text(), "550 5.7.1 No 5.7.1 5.7.1 never");
}

TEST(RelayReply, TheLastOfSeveralCodesCounts) {
  EXPECT_EQ(read("250-a\r\n550 b\r\n").code, 550);
  EXPECT_EQ(read("550-a\r\n250 b\r\n").code, 250);
  EXPECT_THAT(why_broken("250-a\r\n550 b\r\n", Strictness::exact), HasSubstr("two codes"));
}

TEST(RelayReply, LineFeedAloneEndsALineOfTheWorld) {
  EXPECT_EQ(read("250-a\n250 b\n").code, 250);
  ReplyReader exact = reader(Strictness::exact);
  std::string_view octets = "250 b\n";
  EXPECT_EQ(exact.read(octets), State::incomplete);
  EXPECT_TRUE(exact.started());
}

TEST(RelayReply, InPiecesOfOneOctet) {
  ReplyReader one = reader();
  const std::string all = "250-first\r\n250 last\r\n";
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string_view octet = std::string_view(all).substr(i, 1);
    EXPECT_EQ(one.read(octet), i + 1 == all.size() ? State::complete : State::incomplete) << i;
  }
  EXPECT_EQ(one.take().text(), "250 first last");
  EXPECT_FALSE(one.started());
}

TEST(RelayReply, WhatFollowsStays) {
  ReplyReader one = reader();
  std::string_view octets = "250 a\r\n550 b\r\n";
  ASSERT_EQ(one.read(octets), State::complete);
  EXPECT_EQ(octets, "550 b\r\n");
  one.take();
  ASSERT_EQ(one.read(octets), State::complete);
  EXPECT_EQ(one.take().code, 550);
}

TEST(RelayReply, OddOctetsDoNotReachTheLog) {
  const std::string octets("250 a\0b\xff\x1b[31m\r\n", 15);
  for (const char c : read(octets).text()) EXPECT_TRUE(c >= ' ' && c <= '~');
}

TEST(RelayReply, OfNoKind) {
  EXPECT_THAT(why_broken("hello\r\n"), HasSubstr("no SMTP reply: hello"));
  EXPECT_THAT(why_broken("25 ok\r\n"), HasSubstr("no SMTP reply"));
  EXPECT_THAT(why_broken("2500 ok\r\n"), HasSubstr("no SMTP reply"));
  EXPECT_THAT(why_broken("\r\n"), HasSubstr("no SMTP reply"));
  EXPECT_THAT(why_broken("150 x\r\n"), HasSubstr("the code 150"));
  EXPECT_THAT(why_broken("600 x\r\n"), HasSubstr("the code 600"));
}

TEST(RelayReply, AHundredLinesAndNoMore) {
  std::string lines;
  for (std::size_t i = 1; i < reply_lines; ++i) lines += "250-x\r\n";
  EXPECT_EQ(read(lines + "250 x\r\n").lines.size(), reply_lines);
  EXPECT_THAT(why_broken(lines + "250-x\r\n"), HasSubstr("more than 100 lines"));
}

TEST(RelayReply, SixtyFourKilobytesAndNoMore) {
  const std::string most = "250 " + std::string(reply_octets - 6, 'x') + "\r\n";
  ASSERT_EQ(most.size(), reply_octets);
  EXPECT_EQ(read(most).code, 250);
  EXPECT_THAT(why_broken("250 " + std::string(reply_octets, 'x')), HasSubstr("64 KB"));
}

TEST(RelayReply, StatusOnlyOfTheSameClass) {
  EXPECT_EQ(read("550 5.1.1\r\n").status(), "5.1.1");
  EXPECT_EQ(read("550 5.12.123 x\r\n").status(), "5.12.123");
  for (const char* none : {"550 4.1.1 x\r\n", "550 5.1 x\r\n", "550 5.1.1x\r\n", "550 5..1 x\r\n",
                           "550 5.1234.1 x\r\n", "550 no\r\n", "550\r\n", "550 5.1.\r\n"})
    EXPECT_EQ(read(none).status(), "") << none;
}

}  // namespace
}  // namespace sekisho::relay
