// An SMTP conversation without a socket: order, replies, who may what, and what is kept.
#include "smtp/conversation.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "support/smtp_house.h"
#include "support/tls_pair.h"

namespace sekisho::smtp {

namespace {

using test::short_message;
using test::SmtpHouse;
using test::SmtpTalk;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The codes of replies, without their texts.
std::string codes(const std::string& replies) {
  std::string out;
  for (std::size_t at = 0; at < replies.size();) {
    const auto end = replies.find('\n', at);
    if (replies[at + 3] == ' ') out += (out.empty() ? "" : " ") + replies.substr(at, 3);
    at = end + 1;
  }
  return out;
}

// A conversation with a first part that went well.
std::unique_ptr<SmtpTalk> after(SmtpHouse& house, const std::string& lines,
                                const std::string& address = "192.0.2.10") {
  auto talk = std::make_unique<SmtpTalk>(house, Profile::mx, address);
  talk->say(lines);
  return talk;
}

const std::string ehlo = "EHLO mx.a.example\r\n";
const std::string mail = "MAIL FROM:<bob@a.example>\r\n";
const std::string rcpt = "RCPT TO:<alice@example.jp>\r\n";

std::unique_ptr<SmtpTalk> logged_in(SmtpHouse& house, const std::string& login) {
  auto talk = std::make_unique<SmtpTalk>(house, Profile::submissions);
  talk->tls();
  talk->say("EHLO phone\r\n");
  const std::string plain = std::string(1, '\0') + login + std::string(1, '\0') + "sesame";
  EXPECT_THAT(talk->line("AUTH PLAIN " + base64_encode(plain)), StartsWith("235 2.7.0"));
  return talk;
}

std::string edits_of(const session::Arrival& arrival) {
  std::string out;
  for (const auto& edit : arrival.edits) {
    out += (edit.kind == policy::Edit::Kind::remove ? "-" : "+") + edit.name + " ";
  }
  return out;
}

}  // namespace

TEST(SmtpConversation, AMessage) {
  SmtpHouse house;
  SmtpTalk talk(house);
  EXPECT_EQ(talk.greeting(), "220 mx.example.jp ESMTP Sekisho\n");
  EXPECT_EQ(codes(talk.say(ehlo)), "250");
  EXPECT_EQ(talk.say(mail), "250 2.1.0 Ok\n");
  EXPECT_EQ(talk.say(rcpt), "250 2.1.5 Ok\n");
  EXPECT_EQ(codes(talk.line("DATA")), "354");
  EXPECT_THAT(talk.say(short_message), StartsWith("250 2.0.0 Ok: queued as "));
  EXPECT_THAT(talk.line("QUIT"), StartsWith("221 2.0.0 mx.example.jp"));
  EXPECT_TRUE(talk.closed());
  const auto kept = house.kept();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].content,
            "From: bob@a.example\r\nDate: Mon, 30 Nov 2026 12:00:00 +0900\r\n\r\nHello\r\n");
  EXPECT_EQ(kept[0].recipients, std::vector<std::string>{"alice@example.jp"});
  EXPECT_EQ(kept[0].sender, "bob@a.example");
  EXPECT_THAT(kept[0].received,
              StartsWith(" from mx.a.example (mx.a.example [192.0.2.10])\r\n\tby "));
  EXPECT_THAT(kept[0].received, HasSubstr(" with ESMTP id "));
  EXPECT_THAT(kept[0].received, HasSubstr("for <alice@example.jp>;"));
  EXPECT_EQ(kept[0].arrival.origin, session::Arrival::Origin::stranger);
  talk.hang_up();
  EXPECT_TRUE(house.log().has("connect from mx.a.example[192.0.2.10]"));
  EXPECT_TRUE(house.log().has(
      "disconnect from mx.a.example[192.0.2.10] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"));
}

TEST(SmtpConversation, CapabilitiesByListener) {
  SmtpHouse house;
  SmtpTalk mx(house);
  const auto listed = mx.say(ehlo);
  for (const char* word :
       {"PIPELINING\n", "SIZE 52428800\n", "ENHANCEDSTATUSCODES\n", "8BITMIME\n", "250 DSN\n"}) {
    EXPECT_THAT(listed, HasSubstr(word));
  }
  for (const char* word : {"AUTH", "STARTTLS", "SMTPUTF8", "CHUNKING", "VRFY", "ETRN", "XCLIENT"}) {
    EXPECT_THAT(listed, Not(HasSubstr(word)));
  }
  EXPECT_EQ(mx.line("HELO x"), "250 mx.example.jp\n");
  house.change([](Site& site) { site.smtputf8 = true; });
  EXPECT_THAT(mx.say(ehlo), HasSubstr("SMTPUTF8"));
  SmtpTalk submissions(house, Profile::submissions);
  submissions.tls();
  EXPECT_THAT(submissions.say(ehlo), HasSubstr("250-AUTH PLAIN LOGIN\n"));
}

TEST(SmtpConversation, TheOrderOfCommands) {
  SmtpHouse house;
  for (const auto& [said, expected] : std::vector<std::pair<std::string, std::string>>{
           {mail, "503"},
           {ehlo + rcpt, "250 503"},
           {ehlo + "DATA\r\n", "250 503"},
           {ehlo + mail + mail, "250 250 503"},
           {ehlo + mail + "DATA\r\n", "250 250 503"},
           {ehlo + mail + "RCPT TO:<x@elsewhere.example>\r\nDATA\r\nNOOP\r\n",
            "250 250 554 554 250"},
           {ehlo + mail + rcpt + "RSET\r\nDATA\r\n", "250 250 250 250 503"},
           {ehlo + mail + ehlo + rcpt, "250 250 250 503"},
           {"RSET\r\nNOOP x\r\nHELP\r\nEXPN l\r\nETRN x\r\nVRFY a\r\nTURN\r\n",
            "250 250 214 502 502 252 500"},
           {"EHLO\r\nHELO\r\n\r\n   \r\nVRFY\r\n", "501 501 500 500 501"},
           {ehlo + "RSET now\r\nAUTH PLAIN x\r\nSTARTTLS\r\nSTARTTLS x\r\nXCLIENT ADDR=1.2.3.4\r\n",
            "250 501 503 502 501 550"},
           {"NOOP\nNOOP\r\n", "500 250"},
           {"NOOP \x01\r\n", "501"},
           {ehlo + mail + rcpt + "DATA x\r\n", "250 250 250 501"},
       }) {
    SmtpTalk talk(house);
    EXPECT_EQ(codes(talk.say(said)), expected) << said;
    EXPECT_FALSE(talk.closed());
  }
}

TEST(SmtpConversation, NothingOfAMessageRemains) {
  SmtpHouse house;
  auto talk = after(house, ehlo + mail + rcpt + "DATA\r\n");
  talk->say(short_message);
  EXPECT_EQ(codes(talk->say(rcpt + "DATA\r\n")), "503 503");
  // The same after a message that was refused at its end.
  talk->say(mail + rcpt);
  talk->line("DATA");
  EXPECT_EQ(codes(talk->say("From: a@b.example\r\nFrom: c@d.example\r\n\r\nx\r\n.\r\n")), "550");
  EXPECT_EQ(codes(talk->say(rcpt + "DATA\r\n")), "503 503");
  EXPECT_EQ(house.kept().size(), 1U);
}

TEST(SmtpConversation, WhoMaySendWhere) {
  SmtpHouse house;
  struct Case {
    std::string client;
    std::string to;
    std::string expected;
  };
  for (const auto& c : std::vector<Case>{
           {"192.0.2.10", "alice@example.jp", "250 2.1.5"},
           {"192.0.2.10", "Postmaster", "250 2.1.5"},
           {"192.0.2.10", "a..b.@example.jp", "250 2.1.5"},
           {"192.0.2.10", "nobody@example.jp", "550 5.1.1"},
           {"192.0.2.10", "unread@example.jp", "451 4.3.0"},
           {"192.0.2.10", "asked@example.jp", "450 4.1.1"},
           {"192.0.2.10", "SRS0=forged@example.jp", "550 5.7.1"},
           {"192.0.2.10", "alice", "504 5.5.2"},
           {"192.0.2.10", "x@elsewhere.example", "554 5.7.1"},
           {"192.0.2.10", "@example.jp:x@elsewhere.example", "554 5.7.1"},
           {"192.0.2.10", "x@elsewhere.example.", "554 5.7.1"},
           {"192.0.2.10", "x@[203.0.113.9]", "554 5.7.1"},
           {"192.0.2.10", "x%elsewhere.example@example.jp", "55"},
           {"192.0.2.10", "\"x@elsewhere.example\"@example.jp", "55"},
           {"192.0.2.10", "elsewhere.example!x@example.jp", "55"},
           {"192.0.2.10", "\"|sh\"@elsewhere.example", "554 5.7.1"},
           {"192.0.2.200", "x@elsewhere.example", "554 5.7.1"},
           {"192.0.2.200", "nobody@example.jp", "550 5.1.1"},
           {"192.0.2.100", "x@elsewhere.example", "250 2.1.5"},
           {"127.0.0.1", "x@elsewhere.example", "554 5.7.1"},
           {"127.0.0.1", "alice", "250 2.1.5"},
       }) {
    auto talk = after(house, ehlo + mail, c.client);
    EXPECT_THAT(talk->line("RCPT TO:<" + c.to + ">"), StartsWith(c.expected)) << c.client << c.to;
  }
  EXPECT_TRUE(house.log().has(
      "NOQUEUE: reject: RCPT from mx.a.example[192.0.2.10]: 554 5.7.1 <x@elsewhere.example>: Relay "
      "access denied; from=<bob@a.example> to=<x@elsewhere.example> proto=ESMTP "
      "helo=<mx.a.example>"));
}

TEST(SmtpConversation, RulesAtRcpt) {
  SmtpHouse house;
  const auto answer = [&](const std::string& helo, const std::string& from,
                          const std::string& to = "alice@example.jp",
                          const std::string& client = "192.0.2.10") {
    auto talk = after(house, "EHLO " + helo + "\r\nMAIL FROM:<" + from + ">\r\n", client);
    return talk->line("RCPT TO:<" + to + ">").substr(0, 9);
  };
  EXPECT_EQ(answer("mx.a.example", "bob@a.example"), "250 2.1.5");
  EXPECT_EQ(answer("mx.a.example", ""), "250 2.1.5");
  EXPECT_EQ(answer("mx_a/example", "bob@a.example"), "501 5.5.2");
  EXPECT_EQ(answer("mx.a.example", "bob@missing.example"), "550 5.1.8");
  EXPECT_EQ(answer("mx.a.example", "bob@null.example"), "550 5.7.2");
  EXPECT_EQ(answer("mx.a.example", "bob@broken.example"), "450 4.1.8");
  EXPECT_EQ(answer("mx_a/example", "bob@missing.example", "postmaster@example.jp"), "250 2.1.5");
  EXPECT_EQ(answer("mx_a/example", "bob@missing.example", "alice@example.jp", "192.0.2.100"),
            "250 2.1.5");
  // A deferral ends.
  house.change([](Site& site) { site.defer_for = std::chrono::seconds(0); });
  EXPECT_EQ(answer("mx.a.example", "bob@broken.example"), "250 2.1.5");
  house.change([](Site& site) {
    site.rules.helo = OnHelo::log;
    site.rules.sender_domain = OnSenderDomain::log;
  });
  EXPECT_EQ(answer("mx_a/example", "bob@missing.example"), "250 2.1.5");
  EXPECT_TRUE(house.log().has("NOQUEUE: reject_warning: RCPT from "));
}

TEST(SmtpConversation, SubmissionNeedsTlsAndALogin) {
  SmtpHouse house;
  SmtpTalk talk(house, Profile::submission);
  talk.say(ehlo);
  EXPECT_THAT(talk.say(mail), StartsWith("530 5.7.0"));
  EXPECT_THAT(talk.line("AUTH PLAIN AGEAYg=="), StartsWith("538 "));
  talk.tls();
  EXPECT_THAT(talk.say(mail), StartsWith("530 5.7.0"));
  // Whoever it is: the address of the client does not count here.
  SmtpTalk trusted(house, Profile::submissions, "192.0.2.100");
  trusted.tls();
  trusted.say(ehlo);
  EXPECT_THAT(trusted.say(mail), StartsWith("530 5.7.0"));
}

TEST(SmtpConversation, ALoginSendsAsItself) {
  SmtpHouse house;
  auto talk = logged_in(house, "alice@example.jp");
  EXPECT_THAT(talk->line("AUTH PLAIN AGEAYg=="), StartsWith("503 "));
  EXPECT_THAT(talk->line("MAIL FROM:<boss@example.jp>"), StartsWith("550 5.7.1"));
  EXPECT_EQ(codes(talk->say("MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<alice@example.jp>\r\n"
                            "RCPT TO:<x@elsewhere.example>\r\nDATA\r\n")),
            "250 250 250 250 354");
  EXPECT_THAT(talk->say("From: boss@example.jp\r\n\r\nx\r\n.\r\n"), StartsWith("550 5.7.1"));
  talk->say("MAIL FROM:<alice@example.jp>\r\nRCPT TO:<x@elsewhere.example>\r\nDATA\r\n");
  EXPECT_THAT(talk->say("From: alice@example.jp, boss@example.jp\r\n\r\nx\r\n.\r\n"),
              StartsWith("550 5.7.1"));
  talk->say("MAIL FROM:<alice@example.jp>\r\nRCPT TO:<x@elsewhere.example>\r\nDATA\r\n");
  EXPECT_THAT(talk->say("Bcc: a@b.example\r\nFrom: Alice <Alice@example.jp>\r\nbcc: c@d.example\r\n"
                        "Return-Path: <x@y.example>\r\n\r\nx\r\n.\r\n"),
              StartsWith("250 2.0.0"));
  const auto kept = house.kept();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(edits_of(kept[0].arrival), "-Return-Path -Bcc -Bcc +Message-ID +Date ");
  EXPECT_EQ(kept[0].arrival.edits[1].index, 2U);
  EXPECT_EQ(kept[0].arrival.login, "alice@example.jp");
  EXPECT_THAT(kept[0].received, HasSubstr("(using TLSv1.3 with cipher "));
  EXPECT_THAT(kept[0].received, HasSubstr(" with ESMTPSA id "));
  EXPECT_THAT(kept[0].received, Not(HasSubstr("alice")));
}

TEST(SmtpConversation, Logins) {
  SmtpHouse house;
  SmtpTalk talk(house, Profile::submissions);
  talk.tls();
  talk.say(ehlo);
  EXPECT_THAT(talk.line("AUTH"), StartsWith("501 "));
  EXPECT_THAT(talk.line("AUTH NTLM"), StartsWith("504 "));
  EXPECT_EQ(talk.line("AUTH PLAIN"), "334 \n");
  EXPECT_THAT(talk.line("*"), StartsWith("501 5.7.0"));
  EXPECT_THAT(talk.line("AUTH PLAIN !!!!"), StartsWith("501 "));
  EXPECT_THAT(talk.line("AUTH PLAIN " + base64_encode("no nul")), StartsWith("501 "));
  EXPECT_THAT(talk.line("AUTH PLAIN ="), StartsWith("501 "));
  EXPECT_EQ(talk.line("AUTH LOGIN"), "334 VXNlcm5hbWU6\n");
  EXPECT_EQ(talk.line(base64_encode("alice")), "334 UGFzc3dvcmQ6\n");
  EXPECT_THAT(talk.line(base64_encode("wrong")), StartsWith("535 5.7.8"));
  EXPECT_TRUE(
      house.log().has("warning: mx.a.example[192.0.2.10]: SASL LOGIN authentication failed: "
                      "authentication failure, sasl_username=alice"));
  house.authenticator().available = false;
  talk.line("AUTH LOGIN " + base64_encode("alice"));
  EXPECT_THAT(talk.line(base64_encode("sesame")), StartsWith("454 4.7.0"));
  house.authenticator().available = true;
  talk.line("AUTH LOGIN " + base64_encode("alice"));
  EXPECT_THAT(talk.line(base64_encode("sesame")), StartsWith("235 2.7.0"));
  for (const auto& line : house.log().all()) EXPECT_THAT(line, Not(HasSubstr("sesame")));
}

TEST(SmtpConversation, TooManyFailuresAreRefusedUnasked) {
  SmtpHouse house;
  const std::string wrong = "AUTH PLAIN " + base64_encode(std::string("\0alice\0x", 8));
  for (int i = 0; i < 10; ++i) {
    SmtpTalk talk(house, Profile::submissions);
    talk.tls();
    talk.say(ehlo);
    EXPECT_THAT(talk.line(wrong), StartsWith("535 "));
  }
  const auto asked = house.authenticator().asked.load();
  SmtpTalk talk(house, Profile::submissions);
  talk.tls();
  talk.say(ehlo);
  EXPECT_THAT(talk.line(wrong), StartsWith("454 4.7.0"));
  EXPECT_EQ(house.authenticator().asked, asked);
}

TEST(SmtpConversation, LocalMailIsNeverLost) {
  SmtpHouse house;
  SmtpTalk talk(house, Profile::local);
  talk.say("EHLO localhost\r\n");
  EXPECT_EQ(codes(talk.say("MAIL FROM:<root>\r\nRCPT TO:<nobody>\r\nDATA\r\n")), "250 250 354");
  EXPECT_THAT(talk.say("Subject: cron\r\n\r\nx\r\n.\r\n"), StartsWith("250 2.0.0"));
  const auto kept = house.kept();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].sender, "root@example.jp");
  EXPECT_EQ(kept[0].recipients, std::vector<std::string>{"nobody@example.jp"});
  EXPECT_THAT(kept[0].received, HasSubstr("from userid 1000)"));
}

TEST(SmtpConversation, LimitsOfAClient) {
  SmtpHouse house;
  house.change([](Site& site) {
    site.listeners[0].limits.messages_per_minute = 1;
    site.listeners[0].limits.recipients_per_minute = 3;
    site.listeners[0].limits.recipients = 2;
    site.listeners[0].limits.connections = 2;
  });
  auto first = after(house, ehlo + mail);
  EXPECT_EQ(codes(first->say(rcpt + rcpt + rcpt)), "250 250 452");
  auto second = after(house, ehlo);
  EXPECT_THAT(second->say(mail), StartsWith("450 4.7.1"));
  SmtpTalk third(house);
  EXPECT_THAT(third.greeting(), StartsWith("421 4.7.0"));
  EXPECT_TRUE(third.closed());
  // Who is permitted has no limits, and neither has our relay.
  for (const char* address : {"192.0.2.100", "192.0.2.200"}) {
    for (int i = 0; i < 4; ++i) {
      auto talk = after(house, ehlo, address);
      EXPECT_EQ(codes(talk->say(mail + rcpt)), "250 250");
    }
  }
}

TEST(SmtpConversation, TheDayOfALogin) {
  SmtpHouse house;
  house.change([](Site& site) {
    for (auto& listener : site.listeners) listener.limits.recipients_per_day = 2;
  });
  std::string alarm;
  house.services().alarm = [&](const std::string& key, const std::string&) { alarm = key; };
  auto talk = logged_in(house, "alice@example.jp");
  const std::string to = "RCPT TO:<x@elsewhere.example>\r\n";
  EXPECT_EQ(codes(talk->say("MAIL FROM:<alice@example.jp>\r\n" + to + to + to)), "250 250 250 450");
  EXPECT_EQ(alarm, "login:alice@example.jp");
}

TEST(SmtpConversation, WhatTheStoreDoesNotTakeIsNotAccepted) {
  SmtpHouse house;
  auto talk = after(house, ehlo);
  for (const auto& [code, expected] : std::vector<std::pair<session::HoldCode, std::string>>{
           {session::HoldCode::failed, "451 4.3.0"}, {session::HoldCode::full, "452 4.3.1"}}) {
    house.keeps_nothing(code);
    talk->say(mail + rcpt);
    talk->line("DATA");
    EXPECT_THAT(talk->say(short_message), StartsWith(expected));
  }
  house.services().no_room = [] { return "no inodes"; };
  EXPECT_THAT(talk->say(mail), StartsWith("452 4.3.1"));
}

TEST(SmtpConversation, EndsOfMessages) {
  SmtpHouse house;
  house.change([](Site& site) { site.listeners[0].limits.message_size = 1000; });
  const auto answer = [&](const std::string& content) {
    auto talk = after(house, ehlo + mail + rcpt);
    talk->line("DATA");
    return talk->say(content).substr(0, 9);
  };
  EXPECT_EQ(answer("From: bob@a.example\r\n\r\n" + std::string(1000, 'x') + "\r\n.\r\n"),
            "552 5.3.4");
  EXPECT_EQ(answer(std::string("From: bob@a.example\r\n\r\na\0b\r\n.\r\n", 31)), "554 5.6.0");
  house.change([](Site& site) { site.listeners[0].limits.message_size = 0; });
  house.change([](Site& site) { site.rules.bare_lf = OnBareLf::reject; });
  EXPECT_EQ(answer("From: bob@a.example\r\n\r\na\nb\r\n.\r\n"), "550 5.5.2");
  EXPECT_TRUE(house.kept().empty());
}

TEST(SmtpConversation, OurOwnNameInReceivedIsCounted) {
  SmtpHouse house;
  auto talk = after(house, ehlo + mail + rcpt);
  talk->line("DATA");
  talk->say(
      "Received: from a by MX.example.jp; Mon, 30 Nov 2026 12:00:00 +0900\r\n"
      "Received: from a by other.example; Mon, 30 Nov 2026 12:00:00 +0900\r\n"
      "From: bob@a.example\r\n\r\nx\r\n.\r\n");
  ASSERT_EQ(house.kept().size(), 1U);
  EXPECT_EQ(house.kept()[0].arrival.received, 2U);
  EXPECT_EQ(house.kept()[0].arrival.received_by_us, 1U);
}

// A loop is a fault of somebody's routes, and is held by the queue; a refusal would bounce the mail
// of a sender who cannot mend it.
TEST(SmtpConversation, MailThatWentThroughManyHostsIsCountedAndTaken) {
  SmtpHouse house;
  std::string hops;
  for (int i = 0; i < 60; ++i) hops += "Received: from a by b; Mon, 30 Nov 2026 12:00:00 +0900\r\n";
  auto talk = after(house, ehlo + mail + rcpt);
  talk->line("DATA");
  EXPECT_THAT(talk->say(hops + "From: bob@a.example\r\n\r\nx\r\n.\r\n"), StartsWith("250 2.0.0"));
  ASSERT_EQ(house.kept().size(), 1U);
  EXPECT_EQ(house.kept()[0].arrival.received, 60U);
}

TEST(SmtpConversation, TlsThatIsRequiredComesFirst) {
  SmtpHouse house;
  house.change([](Site& site) {
    static const test::CertificateAuthority authority;
    site.listeners[0].tls = ListenerTls::required;
    site.listeners[0].tls_context = test::server_of(authority.issue("mx.example.jp"));
  });
  // Also to whom a handshake failed before: there is no other way.
  house.services().broken_tls.failed("192.0.2.10");
  SmtpTalk talk(house);
  EXPECT_THAT(talk.say(ehlo), HasSubstr("250-STARTTLS\n"));
  EXPECT_THAT(talk.say(mail), StartsWith("530 5.7.0 Must issue a STARTTLS command first"));
  EXPECT_EQ(codes(talk.say("VRFY a\r\nNOOP\r\nRSET\r\n")), "530 250 250");
  EXPECT_THAT(talk.line("STARTTLS"), StartsWith("220 2.0.0"));
  ASSERT_TRUE(talk.wants_tls());
  talk.tls();
  EXPECT_THAT(talk.say(mail), StartsWith("503 5.5.1"));
  EXPECT_EQ(codes(talk.say(ehlo + mail + rcpt)), "250 250 250");
}

TEST(SmtpConversation, GreetingAgainAndAgainEnds) {
  SmtpHouse house;
  SmtpTalk talk(house);
  std::string last;
  for (int i = 0; i < 200 && !last.starts_with("421"); ++i) {
    last = talk.say("EHLO n" + std::to_string(i) + ".a.example\r\n");
  }
  EXPECT_THAT(last, StartsWith("421 4.7.0"));
}

// Whoever names more recipients than the limit sends to those that were accepted.
TEST(SmtpConversation, RecipientsOverTheLimitEndNothing) {
  SmtpHouse house;
  house.change([](Site& site) { site.listeners[0].limits.recipients = 2; });
  SmtpTalk talk(house);
  talk.say(ehlo + mail);
  std::string said;
  for (int i = 0; i < 60; ++i) said = talk.say(rcpt);
  EXPECT_THAT(said, StartsWith("452 4.5.3"));
  EXPECT_THAT(talk.say("DATA\r\n"), StartsWith("354"));
}

TEST(SmtpConversation, AProxyDoesNotSend) {
  SmtpHouse house;
  Client client;
  client.address = mail::IpAddress::parse("192.0.2.50").value();
  client.may_not_send = "Error: a proxy";
  client.xclient = true;
  std::string output;
  Conversation conversation(house.services(),
                            {.send = [&](std::string octets) { output += octets; },
                             .resume = [] {},
                             .owner = house.owner(),
                             .broken = [](const std::exception&) { FAIL(); },
                             .later = nullptr},
                            client);
  conversation.open();
  const auto say = [&](const std::string& octets) {
    output.clear();
    conversation.take(octets);
    return output;
  };
  EXPECT_THAT(say(ehlo), HasSubstr("XCLIENT NAME ADDR"));
  EXPECT_THAT(say(mail), StartsWith("550 5.7.1"));
  EXPECT_THAT(say("XCLIENT ADDR=x\r\n"), StartsWith("501 "));
  EXPECT_THAT(say("XCLIENT NAME=mx.b.example ADDR=203.0.113.9 LOGIN=root\r\n"), StartsWith("220 "));
  EXPECT_EQ(conversation.client().text(), "mx.b.example[203.0.113.9]");
  EXPECT_TRUE(conversation.client().login.empty());
  // The proxy passes on what its client says: that one names nobody.
  EXPECT_THAT(say(ehlo), Not(HasSubstr("XCLIENT")));
  EXPECT_THAT(say("XCLIENT ADDR=192.168.1.10\r\n"), StartsWith("550 "));
  say(ehlo);
  EXPECT_THAT(say(mail), StartsWith("250 "));
}

// The proxy stands for all of its clients: it is they who are counted.
TEST(SmtpConversation, AProxyHasNoLimitOfItsOwn) {
  SmtpHouse house;
  house.change([](Site& site) { site.listeners[0].limits.connections_per_minute = 3; });
  const auto named = [&](const std::string& client_address) {
    Client client;
    client.address = mail::IpAddress::parse("192.0.2.50").value();
    client.may_not_send = "Error: a proxy";
    client.xclient = true;
    std::string output;
    Conversation conversation(house.services(),
                              {.send = [&](std::string octets) { output += octets; },
                               .resume = [] {},
                               .owner = house.owner(),
                               .broken = [](const std::exception&) { FAIL(); },
                               .later = nullptr},
                              client);
    conversation.open();
    house.queue().run_until([] { return false; }, steady_now());
    conversation.take("EHLO proxy\r\n");
    output.clear();
    conversation.take("XCLIENT NAME=x ADDR=" + client_address + "\r\n");
    return output.substr(0, 3);
  };
  for (int i = 1; i <= 6; ++i) EXPECT_EQ(named("203.0.113." + std::to_string(i)), "220") << i;
  EXPECT_EQ(named("203.0.113.1"), "220");
  EXPECT_EQ(named("203.0.113.1"), "220");
  EXPECT_EQ(named("203.0.113.1"), "421");
}

// Random commands in random pieces: whatever the pieces, the same replies and the same messages.
TEST(SmtpConversation, PiecesDoNotMatter) {
  const std::vector<std::string> groups = {
      ehlo,
      mail + rcpt,
      mail + "RCPT TO:<x@elsewhere.example>\r\n" + rcpt,
      "DATA\r\n",
      short_message,
      "From: x\r\n\r\n..\r\na\nb\r\n.\r\n",
      "RSET\r\nNOOP\r\n",
      "FROBNICATE\r\n",
      "MAIL FROM:<a@b\r\n",
      "HELO x\r\n",
      std::string(3000, 'x') + "\r\n",
      "NOOP\nNOOP\r\n",
      "BDAT 4 LAST\r\nabcd\r\n",
      "AUTH PLAIN x\r\n",
  };
  std::mt19937 random(11);
  for (int round = 0; round < 150; ++round) {
    std::vector<std::string> script = {ehlo, mail + rcpt};
    for (int i = 0; i < 12; ++i) script.push_back(groups[random() % groups.size()]);
    std::string replies[2];
    std::size_t messages[2] = {};
    for (int run = 0; run < 2; ++run) {
      SmtpHouse house;
      SmtpTalk talk(house);
      std::vector<std::size_t> sizes = {1'000'000};
      if (run == 1) sizes = {random() % 40 + 1, random() % 7 + 1, random() % 200 + 1};
      for (const auto& group : script)
        replies[run] += codes(talk.say_in_pieces(group, sizes)) + "|";
      messages[run] = house.kept().size();
    }
    ASSERT_EQ(replies[0], replies[1]);
    ASSERT_EQ(messages[0], messages[1]);
  }
}

}  // namespace sekisho::smtp
