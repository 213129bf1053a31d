// What people do with held messages: whom their filters mean, what they delete and bring back, and
// who did it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spool/database.h"
#include "support/quarantine_test.h"

namespace sekisho::quarantine {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::held_id;
using test::held_message;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class People : public test::QuarantineTest {};

mail::NamePattern pattern(std::string_view text) { return mail::NamePattern::parse(text).value(); }

// Whoever asks for taro@ does not mean kentaro@.
TEST_F(People, AFilterByNameIsNoPartOfOne) {
  auto store = open();
  const std::vector<std::vector<std::string>> whom = {
      {"taro@example.jp"},
      {"kentaro@example.jp"},
      {"taro@example.jp.evil.example"},
      {"hanako@example.jp", "Taro@EXAMPLE.jp"},
      {"taro@sub.example.jp"},
      // The lines of a column are names of their own.
      {"taro-news@other.example", "jiro@example.jp"}};
  for (std::uint64_t i = 0; i < whom.size(); ++i) {
    HeldRow held = held_message(i);
    held.recipients = whom[i];
    held.mail_from = i == 1 ? "" : "a" + std::to_string(i) + "@sender.example";
    held.author = i == 1 ? "taro@example.jp" : "";
    ASSERT_TRUE(hold(*store, held).has_value());
  }
  const auto id = held_id;
  EXPECT_THAT(ids(*store, {.to = pattern("taro@example.jp")}), ElementsAre(id(3), id(0)));
  EXPECT_THAT(ids(*store, {.to = pattern("<taro@example.jp>")}), ElementsAre(id(3), id(0)));
  EXPECT_THAT(ids(*store, {.to = pattern("@example.jp")}), ElementsAre(id(5), id(3), id(1), id(0)));
  EXPECT_THAT(ids(*store, {.to = pattern("example.jp")}), ElementsAre(id(5), id(3), id(1), id(0)));
  EXPECT_THAT(ids(*store, {.to = pattern(".example.jp")}), ElementsAre(id(4)));
  EXPECT_THAT(ids(*store, {.to = pattern("taro*@example.jp")}), ElementsAre(id(3), id(0)));
  EXPECT_THAT(ids(*store, {.to = pattern("*taro@example.jp")}), ElementsAre(id(3), id(1), id(0)));
  EXPECT_THAT(ids(*store, {.to = pattern("~taro@example.jp")}),
              ElementsAre(id(3), id(2), id(1), id(0)));
  EXPECT_THAT(ids(*store, {.from = pattern("<>")}), ElementsAre(id(1)));
  EXPECT_THAT(ids(*store, {.from = pattern("taro@example.jp")}), ElementsAre(id(1)));
  EXPECT_THAT(ids(*store, {.to = pattern("*@example.jp"), .limit = 2}), ElementsAre(id(5), id(3)));
  EXPECT_EQ(store->count({.to = pattern("taro@example.jp"), .limit = 1}), 2U);
  EXPECT_THAT(ids(*store, {.to = pattern("' OR 1=1 --@x")}), IsEmpty());
}

// A change of mind is possible for a while.
TEST_F(People, WhatIsDeletedCanBeBroughtBack) {
  options_.keep_deleted = hours(24);
  auto store = open();
  for (std::uint64_t i = 1; i < 4; ++i) hold(*store, i);
  ASSERT_TRUE(store->remove(held_id(1), now_, "root (sudo: taro)"));
  ASSERT_TRUE(store->remove(held_id(2), now_, "root", /*for_good=*/true));
  EXPECT_TRUE(has_file(1));
  EXPECT_FALSE(has_file(2));
  EXPECT_EQ(store->get(held_id(1))->gone_from, now_ + hours(24));
  EXPECT_FALSE(store->get(held_id(2))->gone_from);
  EXPECT_FALSE(store->begin_release({held_id(1), {}}, now_)) << "it is deleted all the same";
  EXPECT_FALSE(store->remove(held_id(1), now_));
  // After a restart, and an expiry before its time.
  store.reset();
  store = open();
  ASSERT_TRUE(store->expire_now(now_ + hours(23)));
  ASSERT_TRUE(store->restore(held_id(1), now_ + hours(23), "root"));
  EXPECT_EQ(state_of(*store, 1), State::held);
  EXPECT_TRUE(store->verify(true)->clean());
  const auto acts = store->get(held_id(1))->acts;
  ASSERT_EQ(acts.size(), 2U);
  EXPECT_EQ(acts[0].who + " " + acts[0].what, "root (sudo: taro) deleted");
  EXPECT_EQ(acts[0].time, now_);
  EXPECT_EQ(acts[1].who + " " + acts[1].what, "root brought back");
  EXPECT_TRUE(store->begin_release({held_id(1), {}}, now_));
  // What was not deleted, or is gone.
  EXPECT_EQ(store->restore(held_id(3), now_).error().kind, Failure::Kind::refused);
  EXPECT_EQ(store->restore(held_id(2), now_).error().kind, Failure::Kind::not_found);
  EXPECT_EQ(store->restore(held_id(9), now_).error().kind, Failure::Kind::not_found);
  ASSERT_TRUE(store->remove(held_id(3), now_));
  ASSERT_TRUE(store->expire_now(now_ + hours(24)));
  EXPECT_FALSE(has_file(3));
  EXPECT_THAT(store->restore(held_id(3), now_).error().why, HasSubstr("the message is gone"));
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(People, WhatIsDeletedTwiceIsGone) {
  auto store = open();
  hold(*store, 1);
  ASSERT_TRUE(store->remove(held_id(1), now_));
  ASSERT_TRUE(store->remove(held_id(1), now_, "root", /*for_good=*/true));
  EXPECT_FALSE(has_file(1));
  EXPECT_FALSE(store->remove(held_id(1), now_, "root", /*for_good=*/true));
  EXPECT_FALSE(store->restore(held_id(1), now_));
  options_.keep_deleted = seconds(0);
  store.reset();
  store = open();
  hold(*store, 2);
  ASSERT_TRUE(store->remove(held_id(2), now_));
  EXPECT_FALSE(has_file(2)) << "nothing is kept where nothing shall be";
}

// Before the daemon is started again, its index is one of before.
TEST_F(People, WhatPeopleDoIsWrittenIntoAnIndexOfBeforeToo) {
  {
    auto store = open();
    hold(*store, 1);
  }
  auto index = spool::Database::open(options_.dir + "/index.db", spool::Database::Open::existing);
  ASSERT_TRUE(index->script("DROP TABLE acts;"));
  auto command = open(Access::guest);
  EXPECT_EQ(command->get(held_id(1))->acts.size(), 0U);
  auto release = command->begin_release({held_id(1), {}, false, "hanako"}, now_);
  ASSERT_TRUE(release);
  ASSERT_TRUE(command->fail_release(*release, "450 later", now_));
  release = command->begin_release({held_id(1), {"x@example.jp"}, false, "hanako"}, now_);
  ASSERT_TRUE(command->finish_release(*release, "250 ok", now_));
  ASSERT_TRUE(command->add_note(held_id(1), "allowed: from:a.example", now_, "taro"));
  const auto acts = command->get(held_id(1))->acts;
  ASSERT_EQ(acts.size(), 3U);
  EXPECT_EQ(acts[0].what, "not released to <one@example.jp>, <two@example.jp>: 450 later");
  EXPECT_EQ(acts[1].what, "released to <x@example.jp>: 250 ok");
  EXPECT_EQ(acts[2].who, "taro");
  // With the row, they go.
  ASSERT_TRUE(command->remove(held_id(1), now_, "taro", true));
  ASSERT_TRUE(command->expire_now(now_ + options_.keep + hours(1)));
  std::int64_t left = -1;
  ASSERT_TRUE(index->query("SELECT count(*) FROM acts", {},
                           [&](const spool::Row& row) { return (left = row.integer(0)) >= 0; }));
  EXPECT_EQ(left, 0);
}

TEST_F(People, WhatIsGoneForGoodInAnIndexOfAnOlderVersion) {
  {
    auto store = open();
    for (std::uint64_t number = 1; number <= 4; ++number) hold(*store, number);
  }
  auto index = spool::Database::open(options_.dir + "/index.db", spool::Database::Open::existing);
  ASSERT_TRUE(index->script("ALTER TABLE held DROP COLUMN let_go;"));
  auto command = open(Access::guest);
  for (std::uint64_t number = 1; number <= 3; ++number)
    ASSERT_TRUE(command->remove(held_id(number), now_));
  EXPECT_TRUE(command->get(held_id(1))->gone_from.has_value());
  ASSERT_TRUE(command->restore(held_id(2), now_));
  const auto release = command->begin_release({held_id(4), {}}, now_);
  ASSERT_TRUE(command->finish_release(*release, "250 ok", now_));
  EXPECT_FALSE(has_file(4));
  ASSERT_TRUE(command->remove(held_id(1), now_, "", /*for_good=*/true));
  EXPECT_FALSE(has_file(1));
  ASSERT_TRUE(command->expire_now(now_ + options_.keep_deleted + hours(1)));
  EXPECT_FALSE(has_file(3));
  EXPECT_TRUE(has_file(2));
  EXPECT_TRUE(command->verify(true)->clean());
}

// A file is removed after the commit that lets it go. Brought back in between, the message would be
// lost a moment later.
TEST_F(People, WhatIsGoneForGoodIsNotBroughtBackWhileItsFileIsStillThere) {
  auto store = open();
  hold(*store, 1);
  const std::string file = options_.dir + "/" + held_id(1);
  std::filesystem::copy_file(file, place_.file("copy"));
  ASSERT_TRUE(store->remove(held_id(1), now_, "root", /*for_good=*/true));
  std::filesystem::copy_file(place_.file("copy"), file);
  EXPECT_EQ(store->restore(held_id(1), now_).error().kind, Failure::Kind::not_found);
  EXPECT_EQ(state_of(*store, 1), State::deleted);
}

}  // namespace
}  // namespace sekisho::quarantine
