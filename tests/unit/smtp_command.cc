// The grammar of commands, as programs write them, as people type them, and as neither may.
#include "smtp/command.h"

#include <gtest/gtest.h>

namespace sekisho::smtp {

namespace {

constexpr EnvelopeRules rules{.smtputf8 = false, .message_size = 1000};

std::string mail(std::string_view argument, const EnvelopeRules& which = rules) {
  const auto read = read_mail(argument, which);
  if (!read) return read.error().line().substr(0, 9);
  std::string text = read->path.raw();
  for (const auto& parameter : read->parameters) text += " " + parameter;
  return text;
}

std::string rcpt(std::string_view argument, bool smtputf8 = false) {
  const auto read = read_rcpt(argument, smtputf8);
  if (!read) return read.error().line().substr(0, 9);
  std::string text = read->path.raw();
  for (const auto& parameter : read->parameters) text += " " + parameter;
  return text;
}

struct Case {
  std::string argument;
  std::string expected;
};

}  // namespace

TEST(SmtpCommand, VerbsInAnyCase) {
  EXPECT_EQ(read_command("MAIL FROM:<a@b>").verb, Verb::mail);
  EXPECT_EQ(read_command("mail from:<a@b>").argument, "from:<a@b>");
  EXPECT_EQ(read_command("NOOP").verb, Verb::noop);
  EXPECT_EQ(read_command("noop\t x ").argument, "x");
  EXPECT_EQ(read_command("NOOPS").verb, Verb::unknown);
  EXPECT_EQ(read_command("").verb, Verb::unknown);
  EXPECT_EQ(read_command("GET / HTTP/1.1").verb, Verb::http);
  EXPECT_EQ(read_command("Host: x").verb, Verb::http);
}

TEST(SmtpCommand, AddressesAsTheyAreWritten) {
  for (const auto& c : std::vector<Case>{
           {"FROM:<a@b.example>", "a@b.example"},
           {"from: <a@b.example>", "a@b.example"},
           {"FROM:a@b.example", "a@b.example"},
           {"FROM: a@b.example  ", "a@b.example"},
           {"FROM :<a@b.example>", "a@b.example"},
           {"FROM:<>", ""},
           {"FROM:<a..b.@docomo.example>", "a..b.@docomo.example"},
           {"FROM:<.a@docomo.example>", ".a@docomo.example"},
           {"FROM:<\"a b\"@c.example>", "\"a b\"@c.example"},
           {"FROM:<\"a>b@x\"@c.example>", "\"a>b@x\"@c.example"},
           {"FROM:<@x.example,@y.example:a@b.example>", "a@b.example"},
           {"FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]"},
           {"FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"},
           {"FROM:<root>", "root"},
       }) {
    EXPECT_EQ(mail(c.argument), c.expected) << c.argument;
  }
}

TEST(SmtpCommand, AddressesThatAreNone) {
  for (const std::string argument : {"",
                                     "FROM",
                                     "FROM:",
                                     "<a@b>",
                                     "FROM <a@b>",
                                     "TO:<a@b>",
                                     "FROM:<a@b",
                                     "FROM:a@b>",
                                     "FROM:<a@b>BODY=7BIT",
                                     "FROM:<a@b,c@d>",
                                     "FROM:<(a@b.example>",
                                     "FROM:<a@b@c>",
                                     "FROM:<a@b.example(c)>",
                                     "FROM:<;id;>",
                                     "FROM:<a b@c.example>",
                                     "FROM:<@>",
                                     "FROM:<a@[300.0.2.1]>",
                                     "FROM:<a@[]>",
                                     "FROM:<\"a@b.example>",
                                     "FROM:<@x:>"}) {
    EXPECT_EQ(mail(argument).substr(0, 3), "501") << argument;
  }
  EXPECT_EQ(rcpt("TO:<>").substr(0, 3), "501");
  EXPECT_EQ(mail("FROM:<" + std::string(1500, 'a') + "@b.example>"), "501 5.1.7");
  EXPECT_EQ(mail("FROM:<" + std::string(200, 'a') + "@b.example>").size(), 210U);
  EXPECT_EQ(rcpt("TO:<" + std::string(250, 'a') + "@b.example>"), "501 5.1.3");
}

TEST(SmtpCommand, EightBitsNeedSmtputf8) {
  const EnvelopeRules utf8{.smtputf8 = true, .message_size = 0};
  EXPECT_EQ(mail("FROM:<\xc3\xa9@b.example>"), "553 5.6.7");
  EXPECT_EQ(mail("FROM:<\xc3\xa9@b.example>", utf8), "553 5.6.7");
  EXPECT_EQ(mail("FROM:<\xc3\xa9@b.example> SMTPUTF8", utf8), "\xc3\xa9@b.example SMTPUTF8");
  // An overlong form.
  EXPECT_EQ(mail("FROM:<\xc0\xaf@b.example> SMTPUTF8", utf8), "501 5.5.4");
  EXPECT_EQ(mail("FROM:<a@b.example> SMTPUTF8"), "555 5.5.4");
  EXPECT_EQ(rcpt("TO:<\xc3\xa9@b.example>"), "553 5.6.7");
  EXPECT_EQ(rcpt("TO:<\xc3\xa9@b.example>", true), "\xc3\xa9@b.example");
}

TEST(SmtpCommand, ParametersOfMail) {
  for (const auto& c : std::vector<Case>{
           {" SIZE=1000", "a@b.example"},
           {" SIZE=0", "a@b.example"},
           {" SIZE=1001", "552 5.3.4"},
           {" SIZE=18446744073709551616", "552 5.3.4"},
           {" SIZE=99999999999999999999999", "501 5.5.4"},
           {" SIZE=-1", "501 5.5.4"},
           {" SIZE=", "501 5.5.4"},
           {" SIZE", "501 5.5.4"},
           {" body=8bitmime", "a@b.example body=8bitmime"},
           {" BODY=BINARYMIME", "501 5.5.4"},
           {"  RET=HDRS   ENVID=a+2Bb", "a@b.example RET=HDRS ENVID=a+2Bb"},
           {" RET=SOME", "501 5.5.4"},
           {" RET=FULL RET=FULL", "501 5.5.4"},
           {" ENVID=a+00", "501 5.5.4"},
           {" ENVID=a+0D+0Ab", "501 5.5.4"},
           {" ENVID=a+ZZ", "501 5.5.4"},
           {" ENVID=a+4", "501 5.5.4"},
           {" ENVID=" + std::string(101, 'x'), "501 5.5.4"},
           {" AUTH=<>", "a@b.example"},
           {" AUTH=e+3Dmc2@example.com", "a@b.example"},
           {" AUTH==", "501 5.5.4"},
           {" FOO=BAR", "555 5.5.4"},
           {" =x", "501 5.5.4"},
           {" -x=y", "501 5.5.4"},
       }) {
    EXPECT_EQ(mail("FROM:<a@b.example>" + c.argument), c.expected) << c.argument;
  }
}

TEST(SmtpCommand, ParametersOfRcpt) {
  for (const auto& c : std::vector<Case>{
           {" NOTIFY=NEVER", "a@b.example NOTIFY=NEVER"},
           {" NOTIFY=SUCCESS,failure,DELAY", "a@b.example NOTIFY=SUCCESS,failure,DELAY"},
           {" NOTIFY=NEVER,SUCCESS", "501 5.5.4"},
           {" NOTIFY=", "501 5.5.4"},
           {" NOTIFY=SUCCESS,", "501 5.5.4"},
           {" ORCPT=rfc822;a+40b@c.example", "a@b.example ORCPT=rfc822;a+40b@c.example"},
           {" ORCPT=user", "501 5.5.4"},
           {" ORCPT=;user", "501 5.5.4"},
           {" ORCPT=rfc822;", "501 5.5.4"},
           {" ORCPT=rfc822;a+0D+0Ab", "501 5.5.4"},
           {" ORCPT=rfc822;" + std::string(500, 'x'), "501 5.5.4"},
           {" SIZE=1", "555 5.5.4"},
       }) {
    EXPECT_EQ(rcpt("TO:<a@b.example>" + c.argument), c.expected) << c.argument;
  }
}

TEST(SmtpCommand, NamesInHelo) {
  for (const char* name : {"mx.example", "localhost", "my_host.example.", "[192.0.2.1]",
                           "[IPv6:2001:db8::1]", "192.0.2.1", "a-b"}) {
    EXPECT_TRUE(is_well_formed_helo(name)) << name;
  }
  for (const char* name : {"", ".", "a..b", ".a", "a b", "[192.0.2]", "[mx.example]",
                           "mx.example<x>", "\xc3\xa9.jp", "a/b", "$(id)"}) {
    EXPECT_FALSE(is_well_formed_helo(name)) << name;
  }
}

}  // namespace sekisho::smtp
