// The queue at work, on a store on the disk, with a transport that answers as the test says.
#include <atomic>
#include <memory>
#include <string>
#include <utility>
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

// A store that can be made to fail.
class FaultyStore final : public spool::Store {
 public:
  explicit FaultyStore(std::shared_ptr<spool::Store> store) : store_(std::move(store)) {}

  spool::Draft draft() const override { return store_->draft(); }
  void put_with(spool::Draft draft, std::string key, std::vector<spool::Part> parts, With with,
                Done done) override {
    if (full || bad_puts.fetch_sub(1) > 0) return done(no_room());
    store_->put_with(std::move(draft), std::move(key), std::move(parts), std::move(with),
                     std::move(done));
  }
  void change_soon(With with, Done done) override {
    if (full || bad_changes.fetch_sub(1) > 0) return done(no_room());
    store_->change_soon(std::move(with), std::move(done));
  }
  spool::Outcome<void> read(const std::function<spool::Outcome<void>(Database&)>& use) override {
    return store_->read(use);
  }
  spool::Outcome<void> change(const std::function<spool::Outcome<void>(Change&)>& use) override {
    return store_->change(use);
  }
  spool::Outcome<spool::MessageFile> open_message(const std::string& key) const override {
    return store_->open_message(key);
  }
  bool has_message(const std::string& key) const override { return store_->has_message(key); }
  spool::Outcome<spool::Findings> verify(bool contents) override {
    return store_->verify(contents);
  }
  spool::Outcome<spool::Usage> usage() override { return store_->usage(); }
  spool::Health health() const override { return {!full, full ? "no room" : ""}; }

  std::atomic<bool> full{false};
  std::atomic<int> bad_puts{0};
  std::atomic<int> bad_changes{0};

 private:
  static tl::unexpected<Failure> no_room() { return failed(Failure::Kind::io, "no room"); }

  std::shared_ptr<spool::Store> store_;
};

// Answers when the test says.
class SlowTransport final : public relay::Transport {
 public:
  void deliver(relay::Job, Done done) override {
    waiting_.with([&](auto& all) { all.push_back(std::move(done)); });
    waiting_.notify_all();
  }
  void forget(const std::string&) override {}
  std::size_t wait(std::size_t count) {
    return waiting_.wait_until(
        steady_now() + seconds(20), [&](const auto& all) { return all.size() >= count; },
        [](const auto& all, bool) { return all.size(); });
  }
  void answer(std::size_t number, const relay::Result& result) {
    const auto done = waiting_.with([&](const auto& all) { return all.at(number); });
    relay::JobResult results;
    results.results.push_back(result);
    done(std::move(results));
  }

 private:
  Guarded<std::vector<Done>> waiting_;
};

std::shared_ptr<FaultyStore> make_faulty(QueuePlace& place) {
  auto store = std::make_shared<FaultyStore>(place.spool);
  place.spool = store;
  return store;
}

std::int64_t rows_of_recipients(QueuePlace& place) {
  std::int64_t rows = -1;
  auto read = place.spool->read([&](Database& database) {
    return database.query("SELECT count(*) FROM queued_to", {}, [&](const Row& row) {
      rows = row.integer(0);
      return true;
    });
  });
  return rows;
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

// Both are due at once, and the aliases of one of them are still to be looked up.
TEST(QueueRunner, ARecipientIsSentBesideOneThatIsExpanded) {
  QueuePlace place;
  place.start();
  auto message = QueuePlace::message("K7Q2-4DMX", {"a@fast.example", "b@slow.example"});
  message.recipients[1].expand = true;
  place.put(message);
  EXPECT_EQ(place.transport.wait(2).size(), 2U);
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
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

// One attempt, two notices: that of the failure is put first, and there is no room for it once.
TEST(QueueRunner, EachOfSeveralNoticesIsPut) {
  QueuePlace place([](const relay::Target& to) {
    return to.path.raw() == "eve@example.net" ? refused() : test::sent();
  });
  const auto store = make_faulty(place);
  auto message = QueuePlace::message("K7Q2-4DMX", {"bob@example.net", "eve@example.net"});
  message.recipients[0].parameters = {"NOTIFY=SUCCESS"};
  place.put(message);
  store->bad_puts = 1;
  place.start();
  const auto given = place.transport.wait(3);
  ASSERT_EQ(given.size(), 3U);
  EXPECT_NE((given[1].content + given[2].content).find("Action: failed"), std::string::npos);
  EXPECT_NE((given[1].content + given[2].content).find("Action: relayed"), std::string::npos);
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
}

// A result that could not be recorded is not overtaken by a command.
TEST(QueueRunner, ChangesOfOneMessageKeepTheirOrder) {
  QueuePlace place([](const auto&) { return greylisted(); });
  const auto store = make_faulty(place);
  store->bad_changes = 1;
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("a change cannot be recorded"));
  place.runner->act(Act::remove, {"K7Q2-4DMX"});
  ASSERT_TRUE(place.lines.wait("status=deferred (450 4.7.1 later)"));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_EQ(rows_of_recipients(place), 0);
}

// What is sent now could not be recorded either, and would be sent again.
TEST(QueueRunner, NothingIsSentWhileNothingCanBeRecorded) {
  QueuePlace place;
  const auto store = make_faulty(place);
  const auto next = QueuePlace::message("K7Q2-4DMY", {"eve@example.net"});
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  place.put(next);
  // Not before that: the runner starts with both of them.
  ASSERT_TRUE(place.spool->change([](Change& change) -> Outcome<void> {
    auto gone = finish(change, "K7Q2-4DMY", 0);
    return gone ? Outcome<void>() : failed(gone.error());
  }));
  store->full = true;
  place.start();
  ASSERT_TRUE(place.lines.wait("a change cannot be recorded"));
  place.runner->queued(next);
  // Behind it.
  place.runner->under_way();
  EXPECT_EQ(place.transport.wait(1).size(), 1U);
  store->full = false;
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_EQ(place.transport.wait(2).size(), 2U);
}

// What a next hop has taken is recorded before the end, and what is cut off does not count.
TEST(QueueRunner, ACleanStopRecordsWhatHasBeenSent) {
  QueuePlace place;
  SlowTransport slow;
  place.runner =
      std::make_unique<Runner>(Runner::Needs{place.spool,
                                             slow,
                                             {place.log, place.log, place.log, place.log},
                                             place.alarms,
                                             [] { return std::string("B1"); }},
                               place.site);
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@example.org"}));
  ASSERT_EQ(slow.wait(2), 2U);
  // None of them has ended; what comes now waits for the next start.
  EXPECT_GT(place.runner->drain(std::chrono::milliseconds(1)), 0U);
  place.put(QueuePlace::message("K7Q2-4DMZ", {"bob@example.com"}));
  slow.answer(0, test::sent());
  auto cut_off = result(Code::deferred, "4.3.2", "");
  cut_off.why = "the daemon ends";
  slow.answer(1, cut_off);
  EXPECT_EQ(place.runner->drain(seconds(20)), 0U);
  EXPECT_EQ(slow.wait(2), 2U);
  place.stop();
  EXPECT_FALSE(place.find("K7Q2-4DMX"));
  const auto cut = place.find("K7Q2-4DMY");
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->recipients[0].progress.attempts, 0U);
  EXPECT_EQ(cut->recipients[0].progress.state, State::waiting);
  EXPECT_TRUE(place.find("K7Q2-4DMZ"));
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
  // Nothing that a person has not done tries the password again; then one does for all.
  place.runner->replace(place.site);
  place.runner->under_way();
  EXPECT_EQ(place.transport.wait(2).size(), 2U);
  place.transport.answer([](const auto&) { return test::sent(); });
  place.runner->try_again("route:[relay.example]:587");
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMY: removed"));
  EXPECT_TRUE(place.alarms.lasting().empty());
}

// What is not of a login may have ended with any change.
TEST(QueueRunner, AChangeOfTheHouseTriesWhatWaitsForIt) {
  QueuePlace place(
      [](const auto&) { return result(Code::own_fault, "4.4.2", "", "egress:192.0.2.1"); });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMX: to=<bob@example.net>"));
  place.transport.answer(
      [](const auto&) { return result(Code::own_fault, "4.4.2", "still", "egress:192.0.2.1"); });
  place.runner->replace(place.site);
  ASSERT_TRUE(place.lines.wait("status=deferred (still)"));
  EXPECT_EQ(place.alarms.lasting().size(), 1U);
  place.transport.answer([](const auto&) { return test::sent(); });
  place.runner->replace(place.site);
  EXPECT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
}

// The next hop forgets nothing for that: one login that is refused is tried once in its time.
TEST(QueueRunner, ATryForAllLeavesThePause) {
  QueuePlace place([](const auto&) {
    return result(Code::own_fault, "4.7.8", "535 5.7.8 bad password", "route:[relay.example]:587");
  });
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  place.put(QueuePlace::message("K7Q2-4DMY", {"eve@example.net"}));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMX: to=<bob@example.net>"));
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMY: to=<eve@example.net>"));
  place.runner->try_again("route:[relay.example]:587");
  EXPECT_EQ(place.transport.wait(3).size(), 3U);
  EXPECT_EQ(place.transport.forgotten, 0);
}

// LMTP is the end of the way; a host that is told to go on is not.
TEST(QueueRunner, ASuccessIsToldAsItIs) {
  for (const bool local : {true, false}) {
    QueuePlace place;
    relay::MapOptions options;
    relay::Route route;
    route.domain = {"example.net"};
    if (local) route.via = {relay::Via::Kind::lmtp_unix, "/run/lmtp", 0};
    options.routes = {route};
    place.site.map = std::make_shared<const relay::Map>(std::move(options));
    place.start();
    auto message = QueuePlace::message("K7Q2-4DMX", {"bob@example.net"});
    message.recipients[0].parameters = {"NOTIFY=SUCCESS"};
    place.put(message);
    const auto given = place.transport.wait(2);
    ASSERT_EQ(given.size(), 2U);
    EXPECT_NE(given[1].content.find(local ? "Action: delivered" : "Action: relayed"),
              std::string::npos);
  }
}

// What is not on the disk is not done.
TEST(QueueRunner, ACommandThatCannotBeRecordedSaysSo) {
  QueuePlace place([](const auto&) { return greylisted(); });
  const auto store = make_faulty(place);
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
  ASSERT_TRUE(place.lines.wait("status=deferred (450 4.7.1 later)"));
  store->full = true;
  EXPECT_NE(place.runner->act(Act::hold, {"K7Q2-4DMX"})["K7Q2-4DMX"].find("no room"),
            std::string::npos);
  store->full = false;
  EXPECT_EQ(place.runner->act(Act::hold, {"K7Q2-4DMX"})["K7Q2-4DMX"], "");
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
