// The SMTP client against a real socket: what it says, and what a hostile or broken server can do
// to it.
#include "relay/smtp_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scripted_server.h"

namespace sekisho::relay {
namespace {

using Code = Handover::Code;
using test::ScriptedServer;
using testing::HasSubstr;

const std::string greeting = "220 mx ESMTP\r\n";
const std::string ehlo = "250-mx\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 10000\r\n250 DSN\r\n";
const std::string ok = "250 2.0.0 Ok\r\n";
const std::string go = "354 go\r\n";

// Time enough for a busy machine, but where it is the point that it runs out: the greeting may take
// `first`.
SmtpTimes times(std::chrono::seconds first) {
  using std::chrono::seconds;
  return {seconds(30), first, seconds(30), seconds(30), seconds(30), seconds(60)};
}

Letter letter(std::string_view content = "Subject: x\r\n\r\nbody\r\n") {
  Letter one;
  one.mail_from = "a@example.com";
  one.recipients = {{"b@example.jp", {}}};
  one.content = content;
  return one;
}

Handover send(ScriptedServer& server, const Letter& one,
              std::chrono::seconds first = std::chrono::seconds(30)) {
  return hand_over_by_smtp({"127.0.0.1", server.port()}, one, "mx.example.jp", times(first));
}

TEST(SmtpClient, OneMessage) {
  ScriptedServer server(
      {greeting, ehlo, ok, ok, go, "250 2.0.0 Ok: queued as X\r\n", "221 bye\r\n"});
  const auto outcome = send(server, letter());
  EXPECT_EQ(outcome.code, Code::accepted);
  EXPECT_EQ(outcome.why, "250 2.0.0 Ok: queued as X");
  EXPECT_EQ(server.heard(),
            "EHLO mx.example.jp\r\nMAIL FROM:<a@example.com> BODY=7BIT SIZE=20\r\n"
            "RCPT TO:<b@example.jp>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n");
}

TEST(SmtpClient, DotsAreDoubledAndTheLastLineEnded) {
  ScriptedServer server({greeting, ehlo, ok, ok, go, ok, ok});
  const auto outcome = send(server, letter(".\r\n..x\r\na.b\r\n\r\n.end"));
  EXPECT_EQ(outcome.code, Code::accepted);
  EXPECT_THAT(server.heard(), HasSubstr("DATA\r\n..\r\n...x\r\na.b\r\n\r\n..end\r\n.\r\nQUIT\r\n"));
}

// Without DSN the sender would hear of a failure after all, unless there is nobody to hear of it.
TEST(SmtpClient, NotifyNeverNeedsDsn) {
  auto one = letter();
  one.recipients[0].parameters = {"NOTIFY=NEVER"};
  ScriptedServer without({greeting, "250-mx\r\n250 SIZE 10000\r\n", ok});
  const auto outcome = send(without, one);
  EXPECT_EQ(outcome.code, Code::impossible);
  EXPECT_THAT(outcome.why, HasSubstr("does not offer DSN"));
  EXPECT_THAT(without.heard(), testing::Not(HasSubstr("MAIL FROM")));

  one.mail_from.clear();
  ScriptedServer again({greeting, "250-mx\r\n250 SIZE 10000\r\n", ok, ok, go, ok, ok});
  EXPECT_EQ(send(again, one).code, Code::accepted);
  EXPECT_THAT(again.heard(), HasSubstr("RCPT TO:<b@example.jp>\r\n"));
}

TEST(SmtpClient, OctetsArriveAsTheyAre) {
  std::string content = "Subject: x\r\n\r\n";
  for (int i = 0; i < 300'000; ++i) content += static_cast<char>(i % 7 == 0 ? 0x80 + i % 128 : 'a');
  content += "\r\n";
  ScriptedServer server({greeting, ehlo, ok, ok, go, ok, ok});
  const Letter one = letter(content);
  EXPECT_EQ(hand_over_by_smtp({"127.0.0.1", server.port()}, one, "mx.example.jp", {}).code,
            Code::accepted);
  EXPECT_NE(server.heard().find(content), std::string::npos);
  EXPECT_THAT(server.heard(), HasSubstr(" BODY=8BITMIME"));
}

TEST(SmtpClient, ParametersThatAreOffered) {
  Letter one = letter();
  one.mail_parameters = {"BODY=8BITMIME", "RET=HDRS", "ENVID=x", "AUTH=<>", "SIZE=1", "SMTPUTF8"};
  one.recipients[0].parameters = {"NOTIFY=NEVER", "ORCPT=rfc822;c@d", "X-EVIL=1"};
  {
    ScriptedServer server({greeting, ehlo, ok, ok, go, ok, ok});
    EXPECT_EQ(send(server, one).code, Code::accepted);
    EXPECT_THAT(server.heard(),
                HasSubstr("<a@example.com> RET=HDRS ENVID=x SMTPUTF8 BODY=7BIT SIZE=20\r\n"
                          "RCPT TO:<b@example.jp> NOTIFY=NEVER ORCPT=rfc822;c@d\r\n"));
  }
  one.recipients[0].parameters = {"NOTIFY=FAILURE", "ORCPT=rfc822;c@d"};
  ScriptedServer server({greeting, "250 mx\r\n", ok, ok, go, ok, ok});
  EXPECT_EQ(send(server, one).code, Code::accepted);
  EXPECT_THAT(server.heard(), HasSubstr("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.jp>\r\n"));
}

TEST(SmtpClient, AParameterCannotSmuggleACommand) {
  Letter one = letter();
  one.mail_parameters = {"RET=HDRS\r\nRCPT TO:<x@y>", "ENVID=a b", "RET=\x01"};
  ScriptedServer server({greeting, ehlo, ok, ok, go, ok, ok});
  EXPECT_EQ(send(server, one).code, Code::accepted);
  EXPECT_THAT(server.heard(), HasSubstr("MAIL FROM:<a@example.com> BODY=7BIT SIZE=20\r\n"));
}

TEST(SmtpClient, HeloForAServerWithoutEhlo) {
  ScriptedServer server({greeting, "502 5.5.1 what\r\n", "250 mx\r\n", ok, ok, go, ok, ok});
  EXPECT_EQ(send(server, letter()).code, Code::accepted);
  EXPECT_THAT(server.heard(), HasSubstr("HELO mx.example.jp\r\nMAIL FROM:<a@example.com>\r\n"));
}

TEST(SmtpClient, NeverABareCrOrLfOnTheWire) {
  for (const std::string content : {"a: b\r\n\r\nx\ny\r\n", "a: b\r\n\r\nx\ry\r\n",
                                    "a: b\r\n\r\nx\r", "a: b\r\n\r\n\n.\nMAIL FROM:<x@y>\r\n"}) {
    const auto outcome = hand_over_by_smtp({"127.0.0.1", 1}, letter(content), "x");
    EXPECT_EQ(outcome.code, Code::impossible);
    EXPECT_THAT(outcome.why, HasSubstr("bare CR or LF"));
    EXPECT_TRUE(has_bare_line_end(content));
  }
  for (const char* content : {"", "x", "a: b\r\n\r\n", "\r\n\r\nx"})
    EXPECT_FALSE(has_bare_line_end(content));
  Letter one = letter();
  one.recipients[0].address = "b@example.jp>\r\nDATA";
  EXPECT_EQ(hand_over_by_smtp({"127.0.0.1", 1}, one, "x").code, Code::impossible);
  one = letter();
  one.mail_from = "a@b\r\n";
  EXPECT_EQ(hand_over_by_smtp({"127.0.0.1", 1}, one, "x").code, Code::impossible);
}

TEST(SmtpClient, WhatTheMessageNeedsMustBeOffered) {
  {
    ScriptedServer server({greeting, "250-mx\r\n250 SMTPUTF8\r\n", ok});
    const auto outcome = send(server, letter("Subject: x\r\n\r\n\xe9\r\n"));
    EXPECT_EQ(outcome.code, Code::impossible);
    EXPECT_THAT(outcome.why, HasSubstr("8BITMIME"));
    EXPECT_THAT(server.heard(), HasSubstr("QUIT"));
  }
  Letter one = letter();
  one.recipients[0].address = "\xe6\x97\xa5@example.jp";
  ScriptedServer server({greeting, "250-mx\r\n250 8BITMIME\r\n", ok});
  const auto outcome = send(server, one);
  EXPECT_EQ(outcome.code, Code::impossible);
  EXPECT_THAT(outcome.why, HasSubstr("SMTPUTF8"));
}

struct Failure {
  const char* name;
  std::vector<std::string> says;
  Code code;
  const char* why;
};

class FailingServer : public testing::TestWithParam<Failure> {};

TEST_P(FailingServer, IsTold) {
  ScriptedServer server(GetParam().says);
  const std::string name = GetParam().name;
  const bool runs_out = name == "silent" || name == "bare_line_feed";
  const auto outcome = send(server, letter(), std::chrono::seconds(runs_out ? 1 : 30));
  EXPECT_EQ(outcome.code, GetParam().code);
  EXPECT_THAT(outcome.why, HasSubstr(GetParam().why));
  for (const char c : outcome.why) EXPECT_TRUE(c >= ' ' && c <= '~') << outcome.why;
}

std::string lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "250-x\r\n";
  return text + "250 x\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    All, FailingServer,
    testing::Values(
        Failure{"closes_at_once", {""}, Code::deferred, "greeting: the server closed"},
        Failure{"silent", {"220-"}, Code::deferred, "greeting: "},
        Failure{"not_smtp", {"HTTP/1.1 400\r\n"}, Code::deferred, "no SMTP reply"},
        Failure{"garbage", {"\x01\x02\xff\x1b[2J\r\n"}, Code::deferred, "no SMTP reply: ???"},
        Failure{"greets_with_554", {"554 go away\r\n", ok}, Code::refused, "greeting: 554"},
        Failure{"greets_with_421", {"421 later\r\n", ok}, Code::deferred, "greeting: 421"},
        Failure{"greets_with_250", {ok, ok}, Code::deferred, "greeting: 250"},
        Failure{"code_999", {"999 x\r\n"}, Code::deferred, "a reply with the code 999"},
        Failure{"code_600", {"600 x\r\n"}, Code::deferred, "code 600"},
        Failure{"two_codes", {greeting, "250-x\r\n251 y\r\n"}, Code::deferred, "two codes"},
        Failure{
            "two_replies", {greeting, "250 x\r\n250 y\r\n"}, Code::deferred, "more than one reply"},
        Failure{"a_hundred_lines",
                {greeting, lines(99), "550 x\r\n", ok},
                Code::refused,
                "MAIL FROM: 550"},
        Failure{"too_many_lines", {greeting, lines(100)}, Code::deferred, "more than 100 lines"},
        Failure{"a_long_line",
                {greeting, "250 " + std::string(70'000, 'x') + "\r\n"},
                Code::deferred,
                "64 KB"},
        Failure{"bare_line_feed", {"220 mx\n"}, Code::deferred, "greeting: "},
        Failure{"nul",
                {std::string("220 \0\r\n", 7), "550 \x1b]0;x\x07\r\n", "550 x\r\n", ok},
                Code::refused,
                "HELO: 550"},
        Failure{"drops_at_ehlo", {greeting, ""}, Code::deferred, "EHLO: the server closed"},
        Failure{
            "drops_at_mail", {greeting, ehlo, ""}, Code::deferred, "MAIL FROM: the server closed"},
        Failure{"drops_at_rcpt",
                {greeting, ehlo, ok, ""},
                Code::deferred,
                "RCPT TO: the server closed"},
        Failure{"drops_at_data",
                {greeting, ehlo, ok, ok, ""},
                Code::deferred,
                "DATA: the server closed"},
        Failure{"drops_at_dot",
                {greeting, ehlo, ok, ok, go, ""},
                Code::uncertain,
                "end of message: the server closed"},
        Failure{"garbage_at_dot",
                {greeting, ehlo, ok, ok, go, "what\r\n"},
                Code::uncertain,
                "no SMTP reply"},
        Failure{"refuses_mail",
                {greeting, ehlo, "550 5.1.8 no\r\n", ok},
                Code::refused,
                "MAIL FROM: 550 5.1.8 no"},
        Failure{"defers_mail",
                {greeting, ehlo, "451 4.3.0 no\r\n", ok},
                Code::deferred,
                "MAIL FROM: 451"},
        Failure{
            "refuses_data", {greeting, ehlo, ok, ok, "554 no\r\n", ok}, Code::refused, "DATA: 554"},
        Failure{"says_250_to_data", {greeting, ehlo, ok, ok, ok, ok}, Code::deferred, "DATA: 250"},
        Failure{"refuses_the_message",
                {greeting, ehlo, ok, ok, go, "554 virus\r\n", ok},
                Code::refused,
                "end of message: 554 virus"},
        Failure{"defers_the_message",
                {greeting, ehlo, ok, ok, go, "452 full\r\n", ok},
                Code::deferred,
                "end of message: 452"},
        Failure{"says_354_to_the_message",
                {greeting, ehlo, ok, ok, go, go, ok},
                Code::uncertain,
                "end of message: 354"}),
    [](const auto& one) { return one.param.name; });

// RFC 5321 §4.2.1: the first digit counts. It would be released a second time otherwise.
TEST(SmtpClient, EveryPositiveReplyTakesTheMessage) {
  for (const std::string reply : {"251 x\r\n", "200\r\n", "299-a\r\n299 b\r\n"}) {
    ScriptedServer server({greeting, ehlo, ok, ok, go, reply, ok});
    EXPECT_EQ(send(server, letter()).code, Code::accepted) << reply;
  }
}

TEST(SmtpClient, AnEndlessReplyEnds) {
  for (const std::string text : {"250-x\r\n", "x", "250-", "\r\n"}) {
    ScriptedServer server({greeting, text}, /*repeated=*/true);
    EXPECT_EQ(send(server, letter()).code, Code::deferred) << text;
  }
}

TEST(SmtpClient, OneRefusedRecipientIsNamedAndNothingSent) {
  Letter one = letter();
  one.recipients = {{"a@example.jp", {}}, {"b@example.jp", {}}, {"c@example.jp", {}}};
  ScriptedServer server({greeting, ehlo, ok, ok, "550 5.1.1 nobody\r\n", ok, ok});
  const auto outcome = send(server, one);
  EXPECT_EQ(outcome.code, Code::refused);
  ASSERT_EQ(outcome.refused.size(), 1U);
  EXPECT_EQ(outcome.refused[0].address, "b@example.jp");
  EXPECT_EQ(outcome.refused[0].reply, "550 5.1.1 nobody");
  EXPECT_THAT(server.heard(), testing::Not(HasSubstr("DATA")));
}

TEST(SmtpClient, NobodyListens) {
  std::uint16_t port = 0;
  { port = ScriptedServer({""}).port(); }
  const auto outcome =
      hand_over_by_smtp({"127.0.0.1", port}, letter(), "x", times(std::chrono::seconds(1)));
  EXPECT_EQ(outcome.code, Code::deferred);
  EXPECT_THAT(outcome.why, HasSubstr("cannot connect"));
}

TEST(SmtpServer, IsRead) {
  EXPECT_EQ(parse_smtp_server("[::1]:25")->host, "::1");
  EXPECT_EQ(parse_smtp_server("mx.example.jp:10025")->port, 10025);
  for (const char* bad : {"", "host", ":25", "host:", "host:0", "host:70000", "host:25x"})
    EXPECT_FALSE(parse_smtp_server(bad)) << bad;
}

}  // namespace
}  // namespace sekisho::relay
