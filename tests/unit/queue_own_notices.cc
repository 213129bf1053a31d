// Our own notices as they leave: as from us, whatever replaces the senders of this host's programs;
// and addresses that break the rules, in them.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/queue_place.h"

namespace sekisho::queue {
namespace {

using test::QueuePlace;
using testing::HasSubstr;
using Code = relay::Result::Code;

relay::Result answer(const relay::Target& to) {
  if (to.path.domain() == "example.net")
    return test::result(Code::failed, "5.1.1", "550 5.1.1 no such user");
  return test::sent();
}

TEST(QueueOwnNotices, LocalSenderDoesNotReplaceTheirAuthor) {
  QueuePlace place(answer);
  place.site.local_sender = "reports@example.jp";
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  const auto given = place.transport.wait(2);
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[1].sender, "");
  EXPECT_THAT(given[1].content,
              HasSubstr("From: Mail Delivery System <MAILER-DAEMON@mail.example.jp>\r\n"));
}

TEST(QueueOwnNotices, AddressesThatBreakTheRulesStayAsTheyAre) {
  QueuePlace place(answer);
  place.start();
  auto message = QueuePlace::message("K7Q2-4DMX", {"c..d.@example.net"});
  message.letter.sender = "a..b.@docomo.ne.jp";
  place.put(message);
  const auto given = place.transport.wait(2);
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[0].sender, "a..b.@docomo.ne.jp");
  EXPECT_EQ(given[0].to, std::vector<std::string>{"c..d.@example.net"});
  EXPECT_EQ(given[1].to, std::vector<std::string>{"a..b.@docomo.ne.jp"});
  EXPECT_THAT(given[1].content, HasSubstr("To: <a..b.@docomo.ne.jp>\r\n"));
  EXPECT_THAT(given[1].content, HasSubstr("Final-Recipient: rfc822; c..d.@example.net\r\n"));
}

}  // namespace
}  // namespace sekisho::queue
