// The lines of the log about messages of the queue: in Postfix's shape, and nobody's text becomes
// more of it.
#include "queue/log_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::queue {
namespace {

using testing::HasSubstr;
using testing::Not;

Message forged() {
  Message message;
  message.letter.id = "K7Q2-4DMX";
  message.letter.sender = "\"x>, size=1 (a)\"@sender.example";
  message.letter.size = 42;
  Recipient to;
  to.address = "\"y>, relay=none, status=sent (250 ok)\"@example.jp";
  to.original = "z@example.jp";
  message.recipients.push_back(to);
  return message;
}

TEST(QueueLogLines, ASenderIsOneWord) {
  EXPECT_EQ(arrival_line(forged()),
            "K7Q2-4DMX: from=<\\x22x>,\\x20size=1\\x20(a)\\x22@sender.example>, size=42, nrcpt=1 "
            "(queue active)");
}

TEST(QueueLogLines, ARecipientIsOneWord) {
  auto to = forged().recipients.front();
  relay::Result result;
  result.status = "5.1.1";
  result.host = "mx.example[192.0.2.1]:25";
  result.reply = "550 5.1.1 no\nsuch user";
  to.progress.state = State::bounced;
  const auto line = delivery_line("K7Q2-4DMX", to, result, WallTime{});
  EXPECT_THAT(line, Not(HasSubstr(" status=sent")));
  EXPECT_THAT(line, HasSubstr(", orig_to=<z@example.jp>, relay=mx.example[192.0.2.1]:25, "));
  EXPECT_THAT(line, HasSubstr(", dsn=5.1.1, status=bounced (550 5.1.1 no such user)"));
}

TEST(QueueLogLines, WhatIsHeldSaysBecauseOfWhat) {
  auto to = forged().recipients.front();
  to.progress.state = State::held;
  to.progress.reason = Reason::loop;
  relay::Result result;
  result.why = "it was here before";
  EXPECT_THAT(
      delivery_line("K7Q2-4DMX", to, result, WallTime{}),
      HasSubstr(", relay=none, delay=0, dsn=4.0.0, status=held, rule=loop (it was here before)"));
  EXPECT_THAT(command_line("K7Q2-4DMX", to), HasSubstr(", status=held (by a command)"));
}

}  // namespace
}  // namespace sekisho::queue
