// Attacks on SMTP servers that had a name: each once, and what must come of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/conversation.h"
#include "support/cpu_time.h"
#include "support/smtp_house.h"
#include "support/tls_pair.h"

namespace sekisho::smtp {

namespace {

using test::short_message;
using test::SmtpHouse;
using test::SmtpTalk;
using testing::HasSubstr;
using testing::StartsWith;

const std::string ehlo = "EHLO mx.a.example\r\n";
const std::string envelope = "MAIL FROM:<bob@a.example>\r\nRCPT TO:<alice@example.jp>\r\n";

// A message with this between two others: how many were taken.
std::size_t messages_with(const std::string& end) {
  SmtpHouse house;
  SmtpTalk talk(house);
  talk.say(ehlo + envelope);
  talk.line("DATA");
  talk.say("From: bob@a.example\r\n\r\nfirst" + end +
           "MAIL FROM:<eve@example.com>\r\nRCPT TO:<alice@example.jp>\r\nDATA\r\n");
  talk.say("From: eve@example.com\r\n\r\nsecond\r\n.\r\n");
  return house.kept().size();
}

}  // namespace

// CVE-2023-51764 to 51766, CVE-2024-27305.
TEST(SmtpHostile, Smuggling) {
  for (const std::string end :
       {"\n.\n", "\n.\r\n", "\r.\r", "\r.\n", "\n.\r", "\r.\r\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n"}) {
    EXPECT_EQ(messages_with(end), 1U) << end;
  }
  EXPECT_LE(messages_with(std::string("\r\n\0.\r\n", 6)), 1U);
  EXPECT_EQ(messages_with("\r\n.\r\n"), 2U);
}

TEST(SmtpHostile, BareLineEndsAreRefusedAfterReadingOn) {
  SmtpHouse house;
  house.change([](Site& site) { site.rules.bare_lf = OnBareLf::reject; });
  SmtpTalk talk(house);
  talk.say(ehlo + envelope);
  talk.line("DATA");
  EXPECT_EQ(talk.say("From: bob@a.example\r\n\r\na\n.\n"), "");
  EXPECT_THAT(talk.say(envelope + "\r\n.\r\n"), StartsWith("550 5.5.2"));
  EXPECT_TRUE(talk.closed());
  EXPECT_TRUE(house.kept().empty());
}

TEST(SmtpHostile, ChunksAreNoCommands) {
  SmtpHouse house;
  SmtpTalk talk(house);
  talk.say(ehlo + envelope);
  EXPECT_THAT(talk.line("BDAT 100 LAST"), StartsWith("502 5.5.1"));
  EXPECT_THAT(talk.say(envelope + "DATA\r\n"), StartsWith("503 5.5.1"));
  EXPECT_EQ(talk.conversation().state(), State::greeted);
  SmtpTalk many(house);
  std::string all;
  for (int i = 0; i < 100'000; ++i) all += "BDAT 1\r\n";
  EXPECT_THAT(many.say(all), HasSubstr("421 4.7.0"));
  EXPECT_TRUE(many.closed());
}

// CVE-2011-0411, NO STARTTLS.
TEST(SmtpHostile, WhatFollowsStarttlsInClearIsThrownAway) {
  SmtpHouse house;
  const test::CertificateAuthority authority;
  house.change([&](Site& site) {
    site.listeners[0].tls_context = test::server_of(authority.issue("mx.example.jp"));
  });
  SmtpTalk talk(house);
  EXPECT_THAT(talk.say(ehlo), HasSubstr("STARTTLS"));
  EXPECT_THAT(talk.say("STARTTLS\r\nMAIL FROM:<eve@example.com>\r\nRSET\r\n"),
              StartsWith("220 2.0.0"));
  ASSERT_TRUE(talk.wants_tls());
  talk.tls();
  EXPECT_EQ(talk.say(""), "");
  // EHLO is forgotten.
  EXPECT_THAT(talk.say(envelope), StartsWith("503 5.5.1"));
  EXPECT_THAT(talk.say(ehlo), testing::Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(talk.line("STARTTLS"), StartsWith("503 "));
}

TEST(SmtpHostile, EarlyTalkers) {
  SmtpHouse house;
  const auto early = [&](Profile profile, const std::string& address) {
    std::string output;
    Client client;
    client.profile = profile;
    client.listener = static_cast<std::size_t>(profile);
    client.address = mail::IpAddress::parse(address).value();
    Conversation conversation(house.services(),
                              {.send = [&](std::string octets) { output += octets; },
                               .resume = [] {},
                               .owner = house.owner(),
                               .broken = [](const std::exception&) { FAIL(); },
                               .later = nullptr},
                              client);
    conversation.take("EHLO x\r\n");
    return output;
  };
  EXPECT_THAT(early(Profile::mx, "203.0.113.5"), StartsWith("554 5.5.0"));
  EXPECT_EQ(early(Profile::mx, "192.0.2.200"), "");  // one of our relays: it waits
  EXPECT_EQ(early(Profile::submission, "203.0.113.5"), "");
}

TEST(SmtpHostile, ContentBeforeThe354) {
  SmtpHouse house;
  SmtpTalk talk(house);
  talk.say(ehlo + envelope);
  EXPECT_THAT(talk.say("DATA\r\nFrom: bob@a.example\r\n\r\nx\r\n.\r\n"), StartsWith("554 5.5.0"));
  EXPECT_TRUE(talk.closed());
  EXPECT_TRUE(house.kept().empty());
}

TEST(SmtpHostile, NothingIsExecutedAndAllIsEscaped) {
  SmtpHouse house;
  SmtpTalk talk(house);
  talk.say(ehlo);
  EXPECT_THAT(talk.line("MAIL FROM:<;id;>"), StartsWith("501 "));
  EXPECT_THAT(talk.line("MAIL FROM:<`id`@a.example>"), StartsWith("250 "));
  EXPECT_THAT(talk.line("RCPT TO:<\"|sh\"@x.example>"), StartsWith("554 5.7.1"));
  EXPECT_THAT(talk.line("RCPT TO:<${run{id}}@x.example>"), StartsWith("554 5.7.1"));
  EXPECT_THAT(talk.line("RCPT TO:<%n%s@x.example>"), StartsWith("554 5.7.1"));
  EXPECT_TRUE(house.log().has("to=<%n%s@x.example>"));
}

// Two spellings that look the same are two names, and what turns a line around reaches no log.
TEST(SmtpHostile, TextBeyondAscii) {
  SmtpHouse house;
  house.change([](Site& site) { site.smtputf8 = true; });
  SmtpTalk talk(house);
  talk.say(ehlo);
  EXPECT_THAT(talk.line("MAIL FROM:<\xc0\xaf@a.example> SMTPUTF8"), StartsWith("501 5.5.4"));
  EXPECT_THAT(talk.line("MAIL FROM:<\xed\xa0\x80@a.example> SMTPUTF8"), StartsWith("501 5.5.4"));
  EXPECT_THAT(talk.line("MAIL FROM:<bob@a.example> SMTPUTF8"), StartsWith("250 "));
  for (const std::string to : {"caf\xc3\xa9@example.jp", "cafe\xcc\x81@example.jp",
                               "\xe2\x80\xae"
                               "ecila@example.jp"}) {
    EXPECT_THAT(talk.line("RCPT TO:<" + to + ">"), StartsWith("550 5.1.1")) << to;
  }
  EXPECT_FALSE(house.log().has("\xe2\x80\xae"));
  EXPECT_TRUE(house.log().has("ecila@example.jp"));
}

// Parts within parts are content to a server: they end where the message ends.
TEST(SmtpHostile, PartsWithinParts) {
  SmtpHouse house;
  SmtpTalk talk(house);
  talk.say(ehlo + envelope + "DATA\r\n");
  std::string message = "From: bob@a.example\r\n";
  for (int i = 0; i < 2000; ++i) {
    const auto name = "b" + std::to_string(i);
    message += "Content-Type: multipart/mixed; boundary=" + name + "\r\n\r\n--" + name + "\r\n";
  }
  const auto began = cpu_time();
  EXPECT_THAT(talk.say(message + ".\r\n"), StartsWith("250 2.0.0"));
  EXPECT_LT(cpu_time() - began, std::chrono::seconds(5));
  ASSERT_EQ(house.kept().size(), 1U);
  EXPECT_EQ(house.kept()[0].content, message);
}

TEST(SmtpHostile, LongThings) {
  SmtpHouse house;
  SmtpTalk talk(house);
  EXPECT_THAT(talk.line("EHLO " + std::string(60'000, 'x')), StartsWith("500 5.5.2"));
  EXPECT_THAT(talk.line("NOOP"), StartsWith("250 "));
  EXPECT_THAT(talk.line("EHLO " + std::string(256, 'x')), StartsWith("500 5.5.2"));
  EXPECT_THAT(talk.line("EHLO " + std::string(255, 'x')), StartsWith("250-"));
  EXPECT_THAT(talk.say(std::string(1'000'000, 'x')), HasSubstr("421 4.7.0"));
  EXPECT_TRUE(talk.closed());
  SmtpTalk other(house);
  other.say(ehlo);
  EXPECT_THAT(other.line("MAIL FROM:<" + std::string(1500, 'a') + "@b.example>"),
              StartsWith("501 "));
  EXPECT_THAT(other.line("MAIL FROM:<bob@a.example> SIZE=-1"), StartsWith("501 "));
  EXPECT_THAT(other.line("MAIL FROM:<bob@a.example> SIZE=18446744073709551616"),
              StartsWith("552 "));
}

TEST(SmtpHostile, AThousandRecipients) {
  SmtpHouse house;
  house.change([](Site& site) { site.listeners[0].limits.recipients_per_minute = 0; });
  SmtpTalk talk(house);
  talk.say(ehlo + "MAIL FROM:<bob@a.example>\r\n");
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THAT(talk.line("RCPT TO:<alice@example.jp>"), StartsWith("250 ")) << i;
  }
  EXPECT_THAT(talk.line("RCPT TO:<alice@example.jp>"), StartsWith("452 4.5.3"));
}

// CVE-2021-3618 (ALPACA).
TEST(SmtpHostile, Browsers) {
  for (const std::string request :
       {"GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: mx\r\n\r\n", "Host: mx\r\n"}) {
    SmtpHouse house;
    SmtpTalk talk(house);
    EXPECT_THAT(talk.say(request + envelope), StartsWith("421 4.7.0"));
    EXPECT_TRUE(talk.closed());
  }
}

TEST(SmtpHostile, TwentyErrors) {
  SmtpHouse house;
  SmtpTalk talk(house);
  std::string all;
  for (int i = 0; i < 20; ++i) all += talk.line("FROBNICATE");
  EXPECT_TRUE(talk.closed());
  EXPECT_THAT(all, HasSubstr("421 4.7.0"));
}

TEST(SmtpHostile, CommandsWithoutAMessage) {
  SmtpHouse house;
  SmtpTalk talk(house);
  std::string all;
  for (int i = 0; i < 101 && !talk.closed(); ++i) all += talk.line("NOOP");
  EXPECT_TRUE(talk.closed());
  EXPECT_THAT(all, HasSubstr("421 4.7.0"));
}

// sendmail CVE-2002-1337 and 2003-0161: 64 KB of address, ten thousand brackets.
TEST(SmtpHostile, HeadersTakeLinearTime) {
  SmtpHouse house;
  const auto time = [&](std::size_t count) {
    SmtpTalk talk(house);
    talk.say(ehlo + envelope);
    talk.line("DATA");
    std::string from = "From: ";
    for (std::size_t i = 0; i < count; ++i) from += "<>(";
    const auto begin = cpu_time();
    talk.say(from + "\r\n\r\nx\r\n.\r\n");
    return cpu_time() - begin;
  };
  // 900 KB: linear it is some 30 ms; a reader that begins anew at each bracket needs minutes.
  // Ratios of such short times depend on what else the machine does.
  EXPECT_LT(time(300'000), std::chrono::seconds(2));
}

}  // namespace sekisho::smtp
