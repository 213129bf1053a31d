// What is out of order beyond one message: hops, faults of this side and their alarms, loops, and
// messages that crash the daemon.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "queue/place.h"
#include "queue/ready.h"
#include "relay/results.h"
#include "support/queue_place.h"

namespace sekisho::queue {

namespace {

using std::chrono::seconds;
using test::QueuePlace;
using test::result;
using Code = relay::Result::Code;

const std::string route_down = "route:[relay.example]:587";

relay::Result away() { return relay::make_result(Code::deferred, "4.4.1", "Connection refused"); }
relay::Result bad_password() {
  return result(Code::own_fault, "4.7.8", "535 5.7.8 bad password", route_down);
}

// All mail goes by one host.
std::shared_ptr<const relay::Map> smarthost() {
  relay::MapOptions options;
  relay::Route route;
  route.domain = {"*"};
  route.via = {relay::Via::Kind::smtp_host, "relay.example", 587};
  options.routes = {route};
  return std::make_shared<const relay::Map>(std::move(options));
}

// Two messages that wait for a password.
void pause(QueuePlace& place) {
  place.site.map = smarthost();
  place.start();
  for (const auto& [id, to] :
       {std::pair("K7Q2-4DMX", "bob@one.example"), std::pair("K7Q2-4DMY", "eve@two.example")}) {
    place.put(QueuePlace::message(id, {to}));
    ASSERT_TRUE(place.lines.wait(std::string(id) + ": to=<" + to + ">"));
  }
  ASSERT_EQ(place.alarms.lasting().size(), 1U);
}

std::string passed_here(int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text +=
        "Received: from other.example (other.example [192.0.2.7])\r\n"
        "\tby mail.example.jp with ESMTP id X; Sat, 21 Nov 2026 09:30:00 +0000\r\n"
        "Received: from mail.example.jp (mail.example.jp [192.0.2.1])\r\n"
        "\tby other.example with ESMTP id Y; Sat, 21 Nov 2026 09:30:00 +0000\r\n";
  }
  return text + "Subject: x\r\n\r\nHello\r\n";
}

void put_loop(QueuePlace& place) {
  auto message = QueuePlace::message("K7Q2-4DMX", {"bob@lan.example"});
  message.recipients[0].progress.state = State::held;
  message.recipients[0].progress.reason = Reason::loop;
  message.recipients[0].last.why = "it was here 5 times before";
  const auto stored = test::put(*place.spool, "K7Q2-4DMX", passed_here(5),
                                {{"queued", write_record(message, place.index())}});
  ASSERT_TRUE(stored) << stored.error().why;
  if (place.runner) place.runner->queued(message);
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// What an earlier daemon has left.
std::unique_ptr<CrashMarks> marks(const QueuePlace& place,
                                  const std::map<std::string, unsigned>& left) {
  const auto path = place.folder.file("crashes");
  {
    auto before = CrashMarks::open(path);
    EXPECT_TRUE(before);
    (*before)->keep(left);
  }
  auto opened = CrashMarks::open(path);
  EXPECT_TRUE(opened);
  return std::move(*opened);
}

// Answers when the test says.
class SlowTransport final : public relay::Transport {
 public:
  void deliver(relay::Job job, Done done) override {
    jobs_.with([&](auto& all) { all.emplace_back(job.id, std::move(done)); });
    jobs_.notify_all();
  }
  void forget(const std::string&) override {}
  std::vector<std::string> wait(std::size_t count) {
    return jobs_.wait_until(
        steady_now() + seconds(20), [&](const auto& all) { return all.size() >= count; },
        [](const auto& all, bool) {
          std::vector<std::string> ids;
          for (const auto& [id, done] : all) ids.push_back(id);
          return ids;
        });
  }
  void answer(std::size_t number) {
    const auto done = jobs_.with([&](const auto& all) { return all.at(number).second; });
    relay::JobResult results;
    results.results.push_back(test::sent());
    done(std::move(results));
  }

 private:
  Guarded<std::vector<std::pair<std::string, Done>>> jobs_;
};

std::unique_ptr<Runner> start(QueuePlace& place, relay::Transport& transport, CrashMarks* marks) {
  return std::make_unique<Runner>(Runner::Needs{place.spool,
                                                transport,
                                                {place.log, place.log, place.log, place.log},
                                                place.alarms,
                                                [] { return std::string("B1"); },
                                                marks},
                                  place.site);
}

}  // namespace

// Behind a smarthost one success of any domain is one of the hop.
TEST(QueueFaults, OneSuccessWakesTheRestOfItsHop) {
  QueuePlace place([](const auto&) { return away(); });
  place.site.map = smarthost();
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@one.example"}));
  ASSERT_TRUE(place.lines.wait("status=deferred (Connection refused)"));
  place.transport.answer([](const auto&) { return test::sent(); });
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@two.example"}));
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
}

// … and without one, each domain is a hop of its own.
TEST(QueueFaults, OneSuccessWakesNoOtherHop) {
  QueuePlace place([](const auto&) { return away(); });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@one.example"}));
  ASSERT_TRUE(place.lines.wait("status=deferred (Connection refused)"));
  place.transport.answer([](const auto&) { return test::sent(); });
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@two.example"}));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMY: removed"));
  place.runner->under_way();
  EXPECT_EQ(place.transport.wait(2).size(), 2U);
}

// A host that takes one message and breaks off at the other is not asked for that with each.
TEST(QueueFaults, OneThatFailsAgainWaits) {
  QueuePlace place([](const relay::Target& to) {
    return to.path.raw() == "bob@one.example" ? away() : test::sent();
  });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@one.example"}));
  ASSERT_TRUE(place.lines.wait("status=deferred (Connection refused)"));
  for (int i = 0; i < 5; ++i) {
    const std::string id = "M" + std::to_string(i);
    place.put(QueuePlace::message(id, {"eve@one.example"}));
    ASSERT_TRUE(place.lines.wait(id + ": removed"));
  }
  place.runner->under_way();
  // It is tried once more, after the first of them.
  EXPECT_EQ(place.transport.wait(7).size(), 7U);
}

TEST(QueueFaults, MailThatGetsThroughEndsAFault) {
  QueuePlace place([](const auto&) { return bad_password(); });
  pause(place);
  place.transport.answer([](const auto&) { return test::sent(); });
  place.put(QueuePlace::message("K7Q2-4DMZ", {"carol@three.example"}));
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMY: removed"));
  EXPECT_TRUE(place.alarms.lasting().empty());
}

// The provider is away while one looks whether the password is right now: nobody knows.
TEST(QueueFaults, ATemporaryFailureEndsNoFault) {
  QueuePlace place([](const auto&) { return bad_password(); });
  pause(place);
  place.transport.answer([](const auto&) { return away(); });
  place.runner->try_again(route_down);
  ASSERT_TRUE(place.lines.wait("status=held, rule=fault (Connection refused)"));
  EXPECT_EQ(place.transport.wait(3).size(), 3U);
  EXPECT_EQ(place.alarms.lasting().size(), 1U);
  for (const char* id : {"K7Q2-4DMX", "K7Q2-4DMY"}) {
    const auto found = place.find(id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->recipients[0].progress.state, State::held) << id;
    EXPECT_EQ(found->recipients[0].progress.fault, route_down) << id;
  }
}

// While it looks it is held in the index: a restart does not make it one that waits.
TEST(QueueFaults, OneThatLooksIsHeldInTheIndex) {
  QueuePlace place([](const auto&) { return bad_password(); });
  pause(place);
  place.stop();
  SlowTransport slow;
  place.runner = start(place, slow, nullptr);
  // One looks by itself, and the other one for a person.
  EXPECT_EQ(slow.wait(1).size(), 1U);
  place.runner->act(Act::flush, {});
  EXPECT_EQ(slow.wait(2).size(), 2U);
  for (const char* id : {"K7Q2-4DMX", "K7Q2-4DMY"})
    EXPECT_EQ(place.find(id)->recipients[0].progress.state, State::held) << id;
  place.stop();
}

TEST(QueueFaults, AnAlarmEndsWithItsLastMessage) {
  QueuePlace place([](const auto&) { return bad_password(); });
  pause(place);
  place.runner->act(Act::remove, {"K7Q2-4DMX"});
  EXPECT_EQ(place.alarms.lasting().size(), 1U);
  place.runner->act(Act::remove, {"K7Q2-4DMY"});
  EXPECT_TRUE(place.lines.wait("alarm ended"));
  EXPECT_TRUE(place.alarms.lasting().empty());
  EXPECT_TRUE(place.runner->faults().empty());
}

// Since when, and when one of them tries: what `sekisho queue show` says.
TEST(QueueFaults, AreToldWithTheirTimes) {
  QueuePlace place([](const auto&) { return bad_password(); });
  const auto before = wall_now();
  pause(place);
  const auto faults = place.runner->faults();
  ASSERT_EQ(faults.count(route_down), 1U);
  EXPECT_GE(faults.at(route_down).since, before);
  EXPECT_GT(faults.at(route_down).next, wall_now() + seconds(60));
}

// Found when it came in. The release begins the count anew: it may pass here once more.
TEST(QueueFaults, ALoopHasAnAlarmUntilItIsReleased) {
  QueuePlace place;
  place.start();
  put_loop(place);
  ASSERT_TRUE(place.lines.wait("alarm: lan.example: it was here 5 times before"));
  ASSERT_EQ(place.runner->act(Act::release, {"K7Q2-4DMX"})["K7Q2-4DMX"], "");
  const auto given = place.transport.wait(1);
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(count_of(given[0].content, "by mail.example.jp"), 0U);
  EXPECT_EQ(count_of(given[0].content, "by other.example"), 5U);
  EXPECT_TRUE(place.lines.wait("alarm ended"));
}

TEST(QueueFaults, ALoopIsReleasedWithoutADaemonToo) {
  QueuePlace place;
  put_loop(place);
  Options options;
  options.dir = place.folder.file("queue");
  place.close();
  {
    auto guest = open_place(options, 0, spool::Access::guest, [](const auto&) {});
    ASSERT_TRUE(guest);
    const auto acted =
        act_without_daemon(**guest, options, Act::release, {}, wall_now(), "mail.example.jp");
    ASSERT_TRUE(acted) << acted.error().why;
    EXPECT_EQ(*acted, (Runner::Answer{{"K7Q2-4DMX", ""}}));
    const auto none = act_without_daemon(**guest, options, Act::hold, {"ABCD-EFGH"}, wall_now(),
                                         "mail.example.jp");
    ASSERT_TRUE(none);
    EXPECT_NE(none->at("ABCD-EFGH"), "");
  }
  place.open();
  place.start();
  const auto given = place.transport.wait(1);
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(count_of(given[0].content, "by mail.example.jp"), 0U);
}

TEST(QueueFaults, WithoutADaemonAMessageIsHeldAndDeleted) {
  QueuePlace place;
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@example.net"}));
  place.close();
  Options options;
  options.dir = place.folder.file("queue");
  {
    auto guest = open_place(options, 0, spool::Access::guest, [](const auto&) {});
    ASSERT_TRUE(guest);
    for (const auto& [act, id] :
         {std::pair(Act::hold, "K7Q2-4DMX"), std::pair(Act::remove, "K7Q2-4DMY")}) {
      ASSERT_TRUE(act_without_daemon(**guest, options, act, {id}, wall_now(), "mail.example.jp"));
    }
  }
  place.open();
  EXPECT_EQ(place.find("K7Q2-4DMX")->recipients[0].progress.reason, Reason::person);
  EXPECT_FALSE(place.find("K7Q2-4DMY"));
  EXPECT_FALSE(place.spool->has_message("K7Q2-4DMY"));
}

TEST(QueueFaults, AMessageOfTwoCrashesIsHeldUntilAPersonReleasesIt) {
  QueuePlace place;
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@example.net"}));
  const auto left = marks(place, {{"K7Q2-4DMX", 2}});
  place.runner = start(place, place.transport, left.get());
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMY: removed"));
  ASSERT_TRUE(place.lines.wait("alarm: K7Q2-4DMX: the daemon crashed twice"));
  EXPECT_EQ(place.find("K7Q2-4DMX")->recipients[0].progress.reason, Reason::crash);
  EXPECT_EQ(place.transport.wait(1).size(), 1U);
  place.runner->act(Act::release, {"K7Q2-4DMX"});
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_TRUE(place.lines.wait("alarm ended"));
  place.stop();
}

TEST(QueueFaults, AReleasedOneIsNotHeldAgainAtTheNextStart) {
  QueuePlace place([](const auto&) { return away(); });
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  auto left = marks(place, {{"K7Q2-4DMX", 2}});
  place.runner = start(place, place.transport, left.get());
  place.runner->act(Act::release, {"K7Q2-4DMX"});
  ASSERT_TRUE(place.lines.wait("status=deferred (Connection refused)"));
  place.stop();
  left.reset();
  auto opened = CrashMarks::open(place.folder.file("crashes"));
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)->found().empty());
}

TEST(QueueFaults, ASuspectIsTriedAlone) {
  QueuePlace place;
  for (const char* id : {"K7Q2-4DMW", "K7Q2-4DMX", "K7Q2-4DMY"})
    place.put(QueuePlace::message(id, {std::string("bob@") + id + ".example"}));
  const auto left = marks(place, {{"K7Q2-4DMX", 1}});
  SlowTransport slow;
  place.runner = start(place, slow, left.get());
  EXPECT_EQ(slow.wait(1), std::vector<std::string>{"K7Q2-4DMX"});
  EXPECT_EQ(place.runner->under_way(), std::vector<std::string>{"K7Q2-4DMX"});
  slow.answer(0);
  EXPECT_EQ(slow.wait(3).size(), 3U);
  place.runner->drain(std::chrono::milliseconds(1));
  place.stop();
}

// A newsletter to many domains waits for one relay that is away, and mail for this host goes.
TEST(QueueReady, OneHopTakesNoPlaceOfAnother) {
  Ready ready;
  for (int i = 0; i < 2000; ++i)
    ready.push({"relay", std::to_string(i) + ".example", "M" + std::to_string(i)});
  ready.push({"/run/lmtp", "example.jp", "local"});
  std::set<std::string> begun;
  while (const auto item = ready.pop()) begun.insert(item->id);
  EXPECT_TRUE(begun.contains("local"));
  EXPECT_EQ(begun.size(), Ready::first_of_hop + 1);
  EXPECT_EQ(ready.waiting(), 2001U - begun.size());
}

TEST(QueueReady, AHopGetsMoreWhileItWorksAndLessWhenItDoesNot) {
  Ready ready;
  for (int i = 0; i < 2000; ++i) ready.push({"relay", "a.example", "M"});
  const auto begin_all = [&] {
    while (ready.pop()) continue;
    return ready.under_way();
  };
  EXPECT_EQ(begin_all(), Ready::first_of_hop);
  for (int i = 0; i < 1000; ++i) {
    ready.end("relay", true);
    begin_all();
  }
  EXPECT_EQ(ready.under_way(), Ready::most_of_hop);
  for (std::size_t i = 0; i < Ready::most_of_hop; ++i) ready.end("relay", false);
  EXPECT_EQ(begin_all(), Ready::least_of_hop);
}

// Many dead domains: half of the places are for what works.
TEST(QueueReady, DeadHopsTogetherHaveHalf) {
  Ready ready;
  for (int i = 0; i < 2000; ++i) ready.push({std::to_string(i), "a.example", "M"}, true);
  std::size_t begun = 0;
  while (ready.pop()) ++begun;
  EXPECT_EQ(begun, Ready::most_failing);
  ready.push({"live", "b.example", "M"});
  EXPECT_TRUE(ready.pop());
  ready.end("live", true);
  ready.give_back("0");
  EXPECT_TRUE(ready.pop());
}

}  // namespace sekisho::queue
