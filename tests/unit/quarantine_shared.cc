// Held for one recipient and waiting for another: quarantine's table beside another one in the same
// store.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quarantine/row.h"
#include "quarantine/tables.h"
#include "support/quarantine_test.h"

namespace sekisho::quarantine {
namespace {

using std::chrono::hours;
using test::held_detail;
using test::held_id;
using test::held_message;
using test::WaitingTables;
using testing::ElementsAre;
namespace fs = std::filesystem;

class Shared : public test::QuarantineTest {
 protected:
  Shared() { open_both(); }

  void open_both() {
    store_.reset();
    spool_.reset();
    spool::Options below;
    below.dir = options_.dir;
    auto opened = spool::Store::open(
        below, Access::owner,
        {std::make_shared<const Tables>(), std::make_shared<const WaitingTables>()},
        alarms_.sink());
    ASSERT_TRUE(opened.has_value()) << opened.error().why;
    spool_ = std::move(*opened);
    store_ = std::make_unique<Store>(options_, spool_);
  }
  static HeldRow for_one(std::uint64_t number) {
    auto held = held_message(number);
    held.recipients = {"one@example.jp"};
    return held;
  }
  test::Puts::Outcome put(std::uint64_t number, const HeldRow& held) {
    return test::put(*spool_, held_id(number), "Subject: x\r\n\r\n",
                     {{"held", record_of(held, held_detail())}, {"waiting", "two@example.jp\n"}});
  }
  void put(std::uint64_t number) {
    const auto outcome = put(number, for_one(number));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().why;
  }
  void sent(std::uint64_t number, const std::string& to = "two@example.jp") {
    ASSERT_TRUE(spool_->change(
        [&](Change& change) { return WaitingTables::sent(change, held_id(number), to); }));
  }
  bool waits(std::uint64_t number, const std::string& to) {
    bool found = false;
    EXPECT_TRUE(spool_->read([&](Database& database) {
      return database.query("SELECT 1 FROM waiting WHERE key = ?1 AND recipient = ?2 AND sent = 0",
                            {held_id(number), to}, [&](const Row&) { return found = true; });
    }));
    return found;
  }
  // As a release to the queue will be: all that is held for somebody waits for them.
  Outcome<void> release_into_waiting(std::uint64_t number) {
    return spool_->change([&](Change& change) -> Outcome<void> {
      auto row = find(change.database(), held_id(number));
      if (!row) return failed(row.error());
      if (auto here = is_here(row->held); !here) return here;
      auto done = set_state(change.database(), *row, State::delivered, "queued", now_);
      for (const auto& to : still_waiting(row->held)) {
        if (done) done = WaitingTables::wait(change.database(), held_id(number), to);
      }
      change.drop(held_id(number));
      return done;
    });
  }

  std::shared_ptr<spool::Store> spool_;
  std::unique_ptr<Store> store_;
};

TEST_F(Shared, TheFileStaysUntilBothAreDone) {
  put(1);
  put(2);
  EXPECT_THAT(ids(*store_), ElementsAre(held_id(2), held_id(1)));
  auto release = store_->begin_release({held_id(1), {}}, now_);
  ASSERT_TRUE(release.has_value());
  EXPECT_EQ(store_->finish_release(*release, "250 ok", now_), State::delivered);
  EXPECT_TRUE(has_file(1));
  sent(1);
  EXPECT_FALSE(has_file(1));
  sent(2);
  EXPECT_TRUE(has_file(2));
  ASSERT_TRUE(store_->remove(held_id(2), now_));
  EXPECT_TRUE(has_file(2)) << "it can be brought back";
  ASSERT_TRUE(store_->restore(held_id(2), now_));
  ASSERT_TRUE(store_->remove(held_id(2), now_, "", /*for_good=*/true));
  EXPECT_FALSE(has_file(2));
  EXPECT_TRUE(store_->verify(true)->clean());
}

TEST_F(Shared, AReleaseIsATransactionIntoTheOtherTable) {
  put(1);
  const auto written = fs::last_write_time(options_.dir + "/" + held_id(1));
  ASSERT_TRUE(release_into_waiting(1));
  EXPECT_TRUE(waits(1, "one@example.jp"));
  EXPECT_EQ(state_of(*store_, 1), State::delivered);
  EXPECT_FALSE(release_into_waiting(1)) << "once";
  EXPECT_EQ(fs::last_write_time(options_.dir + "/" + held_id(1)), written) << "no second writing";
  sent(1, "one@example.jp");
  EXPECT_TRUE(has_file(1));
  sent(1);
  EXPECT_FALSE(has_file(1));
}

TEST_F(Shared, WhatExpiresIsStillThereForTheOthers) {
  put(1);
  put(2);
  ASSERT_TRUE(store_->remove(held_id(2), now_));
  for (int time = 1; time <= 2; ++time) {
    ASSERT_TRUE(store_->expire_now(now_ + options_.keep * time + hours(1)));
    EXPECT_TRUE(has_file(1));
    EXPECT_TRUE(has_file(2));
  }
  EXPECT_EQ(store_->get(held_id(1)).error().kind, Failure::Kind::not_found) << "rows go by age";
  sent(1);
  sent(2);
  EXPECT_FALSE(has_file(1));
  EXPECT_FALSE(has_file(2));
}

TEST_F(Shared, WhatIsGoneForGoodDoesNotComeBackFromTheOthersFile) {
  put(1);
  put(2);
  ASSERT_TRUE(store_->remove(held_id(1), now_, "root", /*for_good=*/true));
  ASSERT_TRUE(store_->remove(held_id(2), now_));
  ASSERT_TRUE(store_->expire_now(now_ + options_.keep_deleted + hours(1)));
  for (const std::uint64_t number : {1U, 2U}) {
    EXPECT_TRUE(has_file(number));
    EXPECT_FALSE(store_->get(held_id(number))->gone_from.has_value());
    EXPECT_EQ(store_->restore(held_id(number), now_).error().kind, Failure::Kind::not_found);
    EXPECT_FALSE(store_->remove(held_id(number), now_, "root", /*for_good=*/true));
    sent(number);
    EXPECT_FALSE(has_file(number));
  }
}

TEST_F(Shared, ARepetitionIsNeverMergedWithWhatOthersHaveAPartIn) {
  put(1);
  auto again = for_one(2);
  again.mail_from = held_message(1).mail_from;
  again.header_hash = held_message(1).header_hash;
  again.body_hash = held_message(1).body_hash;
  auto stored = put(2, again);
  ASSERT_TRUE(stored.has_value()) << stored.error().why;
  EXPECT_FALSE(stored->repeated) << "two would never get the second one";
  EXPECT_TRUE(waits(2, "two@example.jp"));
  // Held for all: that is the same message, for the same recipient.
  again.id = held_id(3);
  stored = hold(*store_, again);
  ASSERT_TRUE(stored.has_value()) << stored.error().why;
  EXPECT_TRUE(stored->repeated);
}

TEST_F(Shared, BothComeBackWhenTheIndexIsLost) {
  put(1);
  hold(*store_, 2);
  store_.reset();
  spool_.reset();
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(options_.dir + "/index.db" + end);
  open_both();
  EXPECT_EQ(state_of(*store_, 1), State::held);
  EXPECT_EQ(state_of(*store_, 2), State::held);
  EXPECT_TRUE(waits(1, "two@example.jp"));
  EXPECT_EQ(store_->get(held_id(1))->held.recipients, std::vector<std::string>{"one@example.jp"});
  EXPECT_EQ(store_->get(held_id(1))->detail.decision, held_detail().decision);
}

// Accepted, and held because its recipient forwards it: only a person ends that.
TEST_F(Shared, WhatIsForwardedNeverExpires) {
  auto forwarded = for_one(2);
  forwarded.rule = "forward";
  put(1);
  ASSERT_TRUE(put(2, forwarded).has_value());
  const auto later = held_message(2).time + 2 * options_.keep;
  EXPECT_EQ(store_->due(later)->messages, 1U);
  EXPECT_EQ(store_->expire_now(later).value(), 1U);
  EXPECT_EQ(store_->get(held_id(1))->held.state, State::expired);
  EXPECT_EQ(store_->get(held_id(2))->held.state, State::held);
  EXPECT_EQ(store_->expire_now(later, hours(1)).value(), 1U);
  EXPECT_EQ(store_->get(held_id(2))->held.state, State::expired);
}

}  // namespace
}  // namespace sekisho::quarantine
