#include "mail/smtp_reply.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "mail/limits.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

TEST(SmtpReply, isOneLine) {
  const SmtpReply reply(550, "5.7.1", "rejected by DMARC policy for example.com");
  EXPECT_EQ(reply.line(), "550 5.7.1 rejected by DMARC policy for example.com");
  EXPECT_TRUE(reply.permanent());
  EXPECT_EQ(reply.code(), 550);
  EXPECT_EQ(reply.status(), "5.7.1");
  EXPECT_FALSE(SmtpReply(451, "4.7.1", "later").permanent());
}

TEST(SmtpReply, whatWouldBreakTheLineIsReplaced) {
  EXPECT_EQ(SmtpReply(550, "5.7.1", "a\r\n250 ok\0\x1b\t\xff%s"s).text(), "a??250 ok????%s");
  EXPECT_EQ(SmtpReply(550, "5.7.1", "ü").text(), "??");
}

TEST(SmtpReply, lineLimit) {
  const std::size_t most = limits::reply_line_octets - 2 - std::string_view("550 5.7.1 ").size();
  for (const std::size_t size : {most, most + 1, most + 100'000}) {
    const SmtpReply reply(550, "5.7.1", std::string(size, 'x'));
    EXPECT_EQ(reply.text().size(), most);
    EXPECT_EQ(reply.line().size() + 2, limits::reply_line_octets);
  }
  EXPECT_EQ(SmtpReply(550, "5.7.1", std::string(most - 1, 'x')).text().size(), most - 1);
  EXPECT_EQ(SmtpReply(450, "4.123.456", std::string(600, 'x')).line().size() + 2,
            limits::reply_line_octets);
}

TEST(SmtpReply, whatPostfixWouldRefuseIsABug) {
  const std::pair<int, std::string_view> cases[] = {
      {250, "2.0.0"},  {399, "4.0.0"},  {600, "6.0.0"},    {550, "4.7.1"},   {450, "5.7.1"},
      {550, ""},       {550, "5"},      {550, "5.7"},      {550, "5..1"},    {550, "5.7."},
      {550, "5.7.1x"}, {550, "5.7.1."}, {550, "5.1234.1"}, {550, "5.7.1\r"}, {550, "5.7.1.1"},
  };
  for (const auto& [code, status] : cases) {
    EXPECT_THROW(SmtpReply(code, status, "x"), std::logic_error) << code << ' ' << status;
  }
}

}  // namespace
}  // namespace sekisho::mail
