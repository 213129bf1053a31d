// What a sender is told: RFC 3464, 3461, 6533.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "queue/bounce.h"

namespace sekisho::queue {

namespace {

Letter letter() {
  Letter letter;
  letter.id = "K7Q2-4DMX";
  letter.sender = "alice@sender.example";
  letter.parameters = {"ENVID=a+2Bb"};
  letter.arrived = WallTime(std::chrono::seconds(1'800'000'000));
  return letter;
}

Bounce bounce(Report report, const std::string& to = "bob@example.net") {
  Recipient recipient;
  recipient.address = recipient.original = to;
  recipient.last.reply = "550-5.1.1 no such user,\n550 5.1.1 or gone";
  recipient.last.status = "5.1.1";
  recipient.last.host = "mx.example[192.0.2.1]:25";
  Bounce bounce;
  bounce.report = report;
  bounce.id = "K7Q2-4DMY";
  bounce.to = "alice@sender.example";
  bounce.origin = bounce.hostname = "mail.example.jp";
  bounce.now = letter().arrived;
  bounce.recipients = {recipient};
  bounce.original = "Subject: x\r\n";
  return bounce;
}

void expect_all(const std::string& text, const std::vector<std::string>& parts) {
  for (const auto& part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
}

}  // namespace

TEST(QueueBounce, SaysAllThatIsKnown) {
  auto of = bounce(Report::failed);
  of.recipients[0].parameters = {"ORCPT=rfc822;Bob+40example.org"};
  expect_all(compose(of, letter()),
             {"From: Mail Delivery System <MAILER-DAEMON@mail.example.jp>\r\n",
              "Auto-Submitted: auto-replied\r\n", "report-type=delivery-status",
              "Reporting-MTA: dns; mail.example.jp\r\n", "Original-Envelope-Id: a+b\r\n",
              "Original-Recipient: rfc822; Bob@example.org\r\n",
              "Final-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
              "Remote-MTA: dns; mx.example\r\n"
              "Diagnostic-Code: smtp; 550-5.1.1 no such user,\r\n 550 5.1.1 or gone\r\n",
              "Content-Type: text/rfc822-headers\r\n", "Subject: x\r\n"});
}

TEST(QueueBounce, EveryLineEndsWithCrLfAndIsShort) {
  auto of = bounce(Report::failed);
  of.recipients[0].last.reply = "550 " + std::string(5000, 'x') + "\r\nFrom: eve@example.org";
  const auto text = compose(of, letter());
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      ASSERT_GT(i, 0U);
      EXPECT_EQ(text[i - 1], '\r');
      EXPECT_LE(line, 999U);
      line = 0;
    } else {
      ++line;
    }
  }
  EXPECT_EQ(text.find("\nFrom: eve"), std::string::npos);
}

TEST(QueueBounce, AnAddressInUtf8HasItsOwnTypes) {
  expect_all(compose(bounce(Report::failed, "用户@例え.example"), letter()),
             {"report-type=global-delivery-status", "message/global-delivery-status",
              "Final-Recipient: utf-8; 用户@例え.example\r\n", "Content-Transfer-Encoding: 8bit"});
}

TEST(QueueBounce, NoLineWithinItsFieldsIsBlank) {
  auto of = bounce(Report::failed);
  of.recipients[0].last.reply = "\r\n550-no\n\n \n550 such user\n";
  expect_all(compose(of, letter()),
             {"Diagnostic-Code: smtp; 550-no\r\n 550 such user\r\n\r\n--=_"});
  of.recipients[0].last = {};
  EXPECT_EQ(compose(of, letter()).find("Diagnostic-Code"), std::string::npos);
}

TEST(QueueBounce, WhatOthersSaidIsTextOfItsPart) {
  auto of = bounce(Report::failed);
  of.recipients[0].parameters = {"ORCPT=rfc822;b+FFb@example.org"};
  of.recipients[0].last.reply = "550 \xff no \xe3\x81\x82";
  auto from = letter();
  from.parameters = {"ENVID=a+E3+81+82b+0D+0AX-Evil:"};
  const auto text = compose(of, from);
  expect_all(text, {"Original-Recipient: rfc822; b?b@example.org\r\n",
                    "Original-Envelope-Id: a?b  X-Evil:\r\n",
                    "Diagnostic-Code: smtp; 550 ? no ?\r\n", "550 ? no \xe3\x81\x82\r\n"});
}

TEST(QueueBounce, NotifyDecides) {
  struct Case {
    std::vector<std::string> parameters;
    bool failed, delayed, relayed;
  };
  for (const auto& c : {Case{{}, true, true, false}, Case{{"NOTIFY=NEVER"}, false, false, false},
                        Case{{"NOTIFY=SUCCESS,DELAY"}, false, true, true},
                        Case{{"notify=failure"}, true, false, false}}) {
    EXPECT_EQ(wants(Report::failed, c.parameters), c.failed);
    EXPECT_EQ(wants(Report::delayed, c.parameters), c.delayed);
    EXPECT_EQ(wants(Report::relayed, c.parameters), c.relayed);
    EXPECT_EQ(wants(Report::delivered, c.parameters), c.relayed);
  }
}

TEST(QueueBounce, GivenUpAfterATemporaryFailureIsExpired) {
  auto of = bounce(Report::failed);
  of.recipients[0].last.status = "4.4.1";
  expect_all(compose(of, letter()), {"Status: 4.4.7\r\n"});
  of.report = Report::delayed;
  expect_all(compose(of, letter()), {"Action: delayed\r\nStatus: 4.4.1\r\n", "Will-Retry-Until: "});
}

TEST(QueueBounce, DeliveredAndRelayedAreTwoThings) {
  auto of = bounce(Report::delivered);
  of.recipients[0].last.reply = "250 2.1.5 saved";
  expect_all(compose(of, letter()),
             {"Subject: Delivery report: delivered\r\n", "Action: delivered\r\nStatus: 2.0.0\r\n"});
  of.report = Report::relayed;
  expect_all(compose(of, letter()), {"Action: relayed\r\nStatus: 2.0.0\r\n"});
}

}  // namespace sekisho::queue
