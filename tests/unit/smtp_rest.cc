// A client that is silent for a while costs little, and is judged as before when it goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/conversation.h"
#include "support/smtp_house.h"

namespace sekisho::smtp {

namespace {

using test::short_message;
using test::SmtpHouse;
using test::SmtpTalk;
using testing::HasSubstr;
using testing::StartsWith;

void send_message(SmtpTalk& talk, const std::function<void()>& between) {
  for (const auto* line : {"MAIL FROM:<bob@a.example>", "RCPT TO:<alice@example.jp>", "DATA"}) {
    EXPECT_THAT(talk.line(line), testing::AnyOf(StartsWith("250"), StartsWith("354"))) << line;
    between();
  }
  EXPECT_THAT(talk.say(short_message), StartsWith("250 2.0.0 Ok: queued as "));
}

}  // namespace

TEST(SmtpRest, AClientIsJudgedAfterARestAsBeforeIt) {
  SmtpHouse house;
  SmtpTalk talk(house);
  const auto rest = [&] { talk.conversation().rest(); };
  rest();
  EXPECT_THAT(talk.line("EHLO mx.a.example"), StartsWith("250"));
  rest();
  rest();
  // Within a message nothing is let go.
  send_message(talk, rest);
  rest();
  send_message(talk, [] {});
  rest();
  EXPECT_THAT(talk.line("NOOP"), StartsWith("250"));
  EXPECT_THAT(talk.line("RSET"), StartsWith("250"));
  rest();
  EXPECT_THAT(talk.line("QUIT"), StartsWith("221"));
  rest();
  talk.hang_up();
  const auto kept = house.kept();
  ASSERT_EQ(kept.size(), 2U);
  for (const auto& message : kept) {
    EXPECT_EQ(message.sender, "bob@a.example");
    EXPECT_EQ(message.arrival.origin, session::Arrival::Origin::stranger);
    EXPECT_THAT(message.received, StartsWith(" from mx.a.example (mx.a.example [192.0.2.10])"));
    EXPECT_THAT(message.received, HasSubstr(" with ESMTP id "));
  }
}

TEST(SmtpRest, ALoginStaysOne) {
  SmtpHouse house;
  SmtpTalk talk(house, Profile::submissions);
  talk.tls();
  talk.line("EHLO phone");
  EXPECT_THAT(talk.line("AUTH PLAIN AGFsaWNlQGV4YW1wbGUuanAAc2VzYW1l"), StartsWith("235"));
  talk.conversation().rest();
  EXPECT_THAT(talk.line("MAIL FROM:<alice@example.jp>"), StartsWith("250"));
  EXPECT_THAT(talk.line("RCPT TO:<x@elsewhere.example>"), StartsWith("250"));
}

}  // namespace sekisho::smtp
