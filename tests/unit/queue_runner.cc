// The queue at work, on a store on the disk, with a transport that answers as the test says.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/queue_place.h"

namespace sekisho::queue {

namespace {

using std::chrono::seconds;
using test::QueuePlace;
using test::result;
using Code = relay::Result::Code;

relay::Result refused() { return result(Code::failed, "5.1.1", "550 5.1.1 no such user"); }
relay::Result greylisted() { return result(Code::deferred, "4.7.1", "450 4.7.1 later"); }

void hurry(QueuePlace& place) {
  place.site.options.retry = {seconds(1)};
  place.site.options.give_up = seconds(2);
  place.site.options.warn_after = std::chrono::hours(1);
}

}  // namespace

TEST(QueueRunner, WhatIsPutIsSentAndItsFileIsRemoved) {
  QueuePlace place;
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  const auto given = place.transport.wait(1);
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0].content, "Received: by us\r\nSubject: x\r\n\r\nHello\r\n");
  EXPECT_TRUE(
      place.lines.wait("K7Q2-4DMX: from=<alice@sender.example>, size=0, nrcpt=1 (queue "
                       "active)"));
  EXPECT_TRUE(
      place.lines.wait("K7Q2-4DMX: to=<bob@example.net>, relay=mx.example[192.0.2.1]:25, "
                       "delay="));
  EXPECT_TRUE(place.lines.wait("dsn=2.0.0, status=sent (250 2.0.0 Ok)"));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_FALSE(place.spool->has_message("K7Q2-4DMX"));
  EXPECT_FALSE(place.find("K7Q2-4DMX"));
}

// One job for each domain; what is done for one does not concern the other.
TEST(QueueRunner, DomainsAreJobsOfTheirOwn) {
  QueuePlace place([](const relay::Target& to) {
    return to.path.domain() == "slow.example" ? greylisted() : test::sent();
  });
  place.start();
  place.put(
      QueuePlace::message("K7Q2-4DMX", {"a@fast.example", "b@slow.example", "c@fast.example"}));
  const auto given = place.transport.wait(2);
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[0].to.size() + given[1].to.size(), 3U);
  ASSERT_TRUE(place.lines.wait("to=<b@slow.example>, relay=mx.example[192.0.2.1]:25"));
  ASSERT_TRUE(place.lines.wait("to=<a@fast.example>"));
  const auto left = place.find("K7Q2-4DMX");
  ASSERT_TRUE(left);
  ASSERT_EQ(left->recipients.size(), 1U);
  EXPECT_EQ(left->recipients[0].progress.reason, Reason::deferred);
  EXPECT_EQ(left->recipients[0].last.reply, "450 4.7.1 later");
  EXPECT_EQ(left->recipients[0].last.dialogue, "C: MAIL FROM\nS: 250 ok\n");
}

TEST(QueueRunner, ARefusedMessageIsToldToItsSender) {
  QueuePlace place([](const relay::Target& to) {
    return to.path.domain() == "sender.example" ? test::sent() : refused();
  });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net", "eve@example.net"}));
  const auto given = place.transport.wait(2);
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[1].sender, "");
  EXPECT_EQ(given[1].to, std::vector<std::string>{"alice@sender.example"});
  for (const char* part : {"550 5.1.1 no such user", "Final-Recipient: rfc822; bob@example.net",
                           "Final-Recipient: rfc822; eve@example.net", "Action: failed"}) {
    EXPECT_NE(given[1].content.find(part), std::string::npos) << part;
  }
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
}

TEST(QueueRunner, AnUnprovedSenderGetsNoBounce) {
  QueuePlace place([](const auto&) { return refused(); });
  auto message = QueuePlace::message("K7Q2-4DMX", {"bob@example.net"});
  message.letter.may_bounce = false;
  place.start();
  place.put(message);
  ASSERT_TRUE(place.lines.wait("status=held, rule=backscatter"));
  EXPECT_EQ(place.transport.wait(1).size(), 1U);
  EXPECT_TRUE(place.spool->has_message("K7Q2-4DMX"));
}

TEST(QueueRunner, ABounceThatFailsEndsWithALine) {
  QueuePlace place([](const auto&) { return refused(); });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("B1: removed"));
  EXPECT_EQ(place.transport.wait(2).size(), 2U);
}

TEST(QueueRunner, ItIsGivenUpAfterItsTime) {
  QueuePlace place([](const relay::Target& to) {
    return to.path.domain() == "sender.example" ? test::sent() : greylisted();
  });
  hurry(place);
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("B1: removed"));
  const auto given = place.transport.wait(3);
  EXPECT_NE(given.back().content.find("Status: 4.4.7"), std::string::npos);
}

TEST(QueueRunner, WhatWaitsIsThereAfterARestart) {
  QueuePlace place([](const auto&) { return greylisted(); });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("status=deferred (450 4.7.1 later)"));
  place.close();
  place.open();
  place.transport.answer([](const auto&) { return test::sent(); });
  place.start();
  place.runner->act(Act::flush, {"K7Q2-4DMX"});
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
}

// A paused route holds; when the fault ends, all that waited for it go on.
TEST(QueueRunner, AFaultOfThisSideHoldsUntilItEnds) {
  QueuePlace place([](const auto&) {
    return result(Code::own_fault, "4.7.8", "535 5.7.8 bad password", "route:[relay.example]:587");
  });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@example.net"}));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMX: to=<bob@example.net>"));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMY: to=<eve@example.net>"));
  const auto held = place.find("K7Q2-4DMX");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->recipients[0].progress.state, State::held);
  EXPECT_EQ(held->recipients[0].progress.reason, Reason::fault);
  ASSERT_EQ(place.alarms.lasting().size(), 1U);
  place.transport.answer([](const auto&) { return test::sent(); });
  place.runner->fault_ended("route:[relay.example]:587");
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMY: removed"));
  EXPECT_TRUE(place.alarms.lasting().empty());
}

TEST(QueueRunner, CommandsHoldReleaseAndDelete) {
  QueuePlace place([](const auto&) { return greylisted(); });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("status=deferred"));
  EXPECT_EQ(place.runner->act(Act::hold, {"K7Q2-4DMX"}), (Runner::Answer{{"K7Q2-4DMX", ""}}));
  EXPECT_EQ(place.find("K7Q2-4DMX")->recipients[0].progress.reason, Reason::person);
  place.runner->act(Act::release, {"K7Q2-4DMX"});
  EXPECT_EQ(place.transport.wait(2).size(), 2U);
  place.runner->act(Act::hold, {"K7Q2-4DMX"});
  EXPECT_EQ(place.runner->act(Act::remove, {}).size(), 1U);
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_NE(place.runner->act(Act::hold, {"K7Q2-4DMX"})["K7Q2-4DMX"], "");
}

// The hop did not work; when another message gets through, those that wait go at once.
TEST(QueueRunner, OneSuccessWakesTheRest) {
  QueuePlace place([](const auto&) {
    auto away = result(Code::deferred, "4.4.1", "");
    away.why = "Connection refused";
    return away;
  });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("status=deferred (Connection refused)"));
  place.transport.answer([](const auto&) { return test::sent(); });
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@example.net"}));
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
}

TEST(QueueRunner, ManyMessagesShareCommits) {
  QueuePlace place;
  place.start();
  constexpr int count = 100;
  for (int i = 0; i < count; ++i)
    place.put(QueuePlace::message("M" + std::to_string(i), {"bob@example.net"}));
  EXPECT_EQ(place.transport.wait(count).size(), static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    ASSERT_TRUE(place.lines.wait("M" + std::to_string(i) + ": removed"));
  EXPECT_EQ(place.spool->usage()->messages, 0U);
}

}  // namespace sekisho::queue
