// The store: what is acknowledged is there, after a restart too; index and files agree, or it says
// so.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/folder.h"
#include "spool/store.h"
#include "support/spool_store.h"
#include "support/temporary_folder.h"

namespace sekisho::spool {
namespace {

using test::Alarms;
using test::note;
using test::open_store;
using test::put;
using test::Puts;
using test::why;
namespace fs = std::filesystem;

class SpoolStore : public testing::Test {
 protected:
  SpoolStore() { options_.dir = place_.file("store"); }

  std::string path(const std::string& name) const { return options_.dir + "/" + name; }
  // Message files and temporary files.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(options_.dir)) {
      const auto name = entry.path().filename().string();
      if (is_key(name) || name.starts_with(".")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::vector<std::string> notes(Store& store) const {
    std::vector<std::string> all;
    auto read = store.read([&](Database& database) {
      return database.query("SELECT key, note FROM notes ORDER BY key", {}, [&](const Row& row) {
        all.push_back(std::string(row.text(0)) + "=" + std::string(row.text(1)));
        return true;
      });
    });
    EXPECT_TRUE(read.has_value());
    return all;
  }
  // Drops a message as its owner does, with a row that says so.
  void drop(Store& store, const std::string& key) {
    auto done = store.change([&](Change& change) { return test::drop_note(change, key); });
    ASSERT_TRUE(done.has_value());
  }

  test::TemporaryFolder place_;
  Options options_;
  Alarms alarms_;
};

TEST_F(SpoolStore, WhatIsPutIsThereAfterARestart) {
  const std::string large(1'000'000, 'x');
  {
    auto store = open_store(options_, alarms_);
    EXPECT_EQ(why(put(*store, "SMALL", "small message", "a record")), "stored");
    EXPECT_EQ(why(put(*store, "LARGE", large)), "stored");
    EXPECT_EQ(why(put(*store, "EMPTY", "")), "stored");
  }
  auto store = open_store(options_, alarms_);
  EXPECT_EQ(*store->open_message("SMALL")->read_all(), "small message");
  EXPECT_EQ(store->open_message("SMALL")->record(), (FileRecord{1, "a record"}));
  EXPECT_EQ(*store->open_message("LARGE")->read_all(), large);
  EXPECT_EQ(notes(*store),
            (std::vector<std::string>{"EMPTY=note", "LARGE=note", "SMALL=a record"}));
  EXPECT_EQ(store->usage()->messages, 3U);
  EXPECT_GT(store->usage()->octets, 1'000'000U);
  EXPECT_TRUE(store->verify(true)->clean());
  EXPECT_EQ(alarms_.count(), 0U);
}

TEST_F(SpoolStore, ManyPutsAtOnceAreAllKept) {
  auto store = open_store(options_, alarms_);
  Puts puts;
  for (int i = 0; i < 500; ++i) {
    auto draft = store->draft();
    draft.append("message " + std::to_string(i));
    store->put(std::move(draft), "KEY-" + std::to_string(i), note(), puts.done());
  }
  std::set<std::string> keys;
  for (const auto& outcome : puts.wait()) {
    ASSERT_TRUE(outcome.has_value()) << outcome.error().why;
    keys.insert(outcome->key);
  }
  EXPECT_EQ(keys.size(), 500U);
  EXPECT_EQ(*store->open_message("KEY-77")->read_all(), "message 77");
  EXPECT_EQ(files().size(), 500U);
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(SpoolStore, PutsUnderWayAreFinishedWhenItCloses) {
  Puts puts;
  {
    auto store = open_store(options_);
    for (int i = 0; i < 50; ++i)
      store->put(store->draft(), "KEY-" + std::to_string(i), note(), puts.done());
  }
  EXPECT_EQ(puts.wait().size(), 50U);
  EXPECT_EQ(files().size(), 50U);
}

TEST_F(SpoolStore, AKeyIsUsedOnce) {
  auto store = open_store(options_);
  EXPECT_EQ(why(put(*store, "KEY", "first")), "stored");
  EXPECT_EQ(why(put(*store, "KEY", "second")), "exists already");
  EXPECT_EQ(*store->open_message("KEY")->read_all(), "first");
  EXPECT_EQ(why(put(*store, "../KEY", "third")), "refused");
  drop(*store, "KEY");
  EXPECT_EQ(why(put(*store, "KEY", "fourth")), "exists already");
  EXPECT_TRUE(files().empty());
  EXPECT_TRUE(store->health().healthy);
}

TEST_F(SpoolStore, OneThatCannotBePlacedDoesNotTakeItsGroupAlong) {
  auto store = open_store(options_);
  Puts puts;
  for (int i = 0; i < 40; ++i) {
    store->put(store->draft(), "KEY-" + std::to_string(i), note(i % 4 == 0 ? "refuse" : "note"),
               puts.done());
  }
  const auto outcomes = puts.wait();
  EXPECT_EQ(std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return !o; }), 10);
  EXPECT_EQ(files().size(), 30U);
  EXPECT_EQ(notes(*store).size(), 30U);
}

TEST_F(SpoolStore, ARepetitionKeepsTheFirstFileOnly) {
  auto store = open_store(options_);
  ASSERT_EQ(why(put(*store, "FIRST", "m")), "stored");
  const auto again = put(*store, "SECOND", "m", "same as FIRST");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->key, "FIRST");
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(files(), std::vector<std::string>{"FIRST"});
  // But not when the file of the first is gone: the second is all that there is.
  fs::remove(path("FIRST"));
  const auto third = put(*store, "THIRD", "m", "same as FIRST");
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->key, "THIRD");
}

TEST_F(SpoolStore, MaxSizeHoldsAndRoomIsUsedAgain) {
  options_.max_size = 10'000;
  auto store = open_store(options_);
  const std::string message(3000, 'x');
  for (const char* key : {"A", "B", "C"}) EXPECT_EQ(why(put(*store, key, message)), "stored");
  EXPECT_EQ(why(put(*store, "D", message)), "limit reached");
  EXPECT_TRUE(store->health().healthy);
  EXPECT_EQ(files().size(), 3U);
  {
    auto guest = open_store(options_, {}, Access::guest);
    drop(*guest, "B");
  }
  EXPECT_EQ(why(put(*store, "D", message)), "stored");
  store.reset();
  store = open_store(options_);
  EXPECT_EQ(why(put(*store, "E", message)), "limit reached");
}

TEST_F(SpoolStore, PutsAtTheSameMomentDoNotExceedMaxSize) {
  options_.max_size = 100'000;
  auto store = open_store(options_);
  Puts puts;
  for (int i = 0; i < 100; ++i) {
    auto draft = store->draft();
    draft.append(std::string(3000, 'x'));
    store->put(std::move(draft), "KEY-" + std::to_string(i), note(), puts.done());
  }
  puts.wait();
  EXPECT_LE(store->usage()->octets, 100'000U);
  EXPECT_GT(store->usage()->octets, 60'000U);
}

TEST_F(SpoolStore, MessagesThatArriveShareTheMemoryOfTheStore) {
  auto store = open_store(options_);
  constexpr std::size_t octets = Draft::memory_octets - 1;
  const std::string message(octets, 'x');
  std::vector<Draft> drafts;
  for (std::size_t i = 0; i < DraftMemory::all_octets / octets + 10; ++i) {
    drafts.push_back(store->draft());
    drafts.back().append(message);
  }
  const auto count = files().size();
  EXPECT_GE(count, 9U);
  EXPECT_LE(count, 11U);
}

// A command works on the rows while no daemon runs: a daemon that starts meanwhile waits for it.
TEST_F(SpoolStore, AnOwnerOfAMomentIsWaitedFor) {
  auto folder = Folder::open(options_.dir, true);
  ASSERT_TRUE(folder.has_value());
  auto lock = (*folder)->lock();
  ASSERT_TRUE(lock.has_value());
  auto opened = std::async(std::launch::async, [&] {
    return Store::open(options_, Access::owner, {std::make_shared<const test::NoteTables>()},
                       alarms_.sink());
  });
  ASSERT_EQ(opened.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  *lock = UniqueFd();
  const auto store = opened.get();
  EXPECT_TRUE(store.has_value()) << store.error().why;
}

TEST_F(SpoolStore, OneOwnerAtATimeAndAnyNumberOfGuests) {
  auto store = open_store(options_);
  const auto second = Store::open(options_, Access::owner,
                                  {std::make_shared<const test::NoteTables>()}, alarms_.sink());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, Failure::Kind::locked);
  EXPECT_NE(second.error().why.find("process " + std::to_string(::getpid())), std::string::npos);
  auto guest = open_store(options_, {}, Access::guest);
  ASSERT_EQ(why(put(*store, "KEY", "m")), "stored");
  EXPECT_EQ(*guest->open_message("KEY")->read_all(), "m");
  EXPECT_EQ(why(put(*guest, "OTHER", "m")), "refused");
  drop(*guest, "KEY");
  EXPECT_FALSE(store->open_message("KEY").has_value());
  EXPECT_EQ(store->usage()->messages, 0U);
}

TEST_F(SpoolStore, AGuestMakesNothing) {
  const auto guest = Store::open(options_, Access::guest,
                                 {std::make_shared<const test::NoteTables>()}, alarms_.sink());
  EXPECT_FALSE(guest.has_value());
  EXPECT_FALSE(fs::exists(options_.dir));
}

TEST_F(SpoolStore, AFileWithoutARowIsIndexedAgain) {
  {
    auto store = open_store(options_);
    for (const char* key : {"A", "B", "C"}) ASSERT_EQ(why(put(*store, key, "message")), "stored");
    auto lost = store->change([](Change& change) -> Outcome<void> {
      auto gone = change.database().run("DELETE FROM notes WHERE key <> 'A'");
      if (gone) gone = change.database().run("DELETE FROM files WHERE key <> 'A'");
      return gone ? Outcome<void>{} : failed(gone.error());
    });
    ASSERT_TRUE(lost.has_value());
  }
  auto store = open_store(options_, alarms_);
  EXPECT_EQ(notes(*store), (std::vector<std::string>{"A=note", "B=note", "C=note"}));
  EXPECT_EQ(store->usage()->messages, 3U);
  EXPECT_TRUE(alarms_.has("2 messages"));
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(SpoolStore, ARowWithoutAFileIsAnAlarmEveryTime) {
  { ASSERT_EQ(why(put(*open_store(options_), "GONE", "message")), "stored"); }
  fs::remove(path("GONE"));
  for (int start = 0; start < 2; ++start) {
    Alarms alarms;
    auto store = open_store(options_, alarms);
    EXPECT_TRUE(alarms.has("missing")) << start;
    EXPECT_TRUE(alarms.has("GONE")) << start;
    EXPECT_EQ(store->verify(false)->without_file, std::vector<std::string>{"GONE"});
  }
}

TEST_F(SpoolStore, AFileThatWasDroppedBeforeACrashDoesNotComeBack) {
  auto store = open_store(options_);
  ASSERT_EQ(why(put(*store, "KEY", "message")), "stored");
  fs::copy_file(path("KEY"), place_.file("kept"));
  drop(*store, "KEY");
  store.reset();
  fs::copy_file(place_.file("kept"), path("KEY"));  // as if the removal had not reached the disk
  store = open_store(options_, alarms_);
  EXPECT_FALSE(fs::exists(path("KEY")));
  EXPECT_EQ(store->usage()->messages, 0U);
}

TEST_F(SpoolStore, ADamagedFileIsAnAlarmAndIsKept) {
  {
    auto store = open_store(options_);
    ASSERT_EQ(why(put(*store, "KEY", "message")), "stored");
  }
  std::ofstream(path("KEY"), std::ios::in | std::ios::out) << "MESS";
  std::ofstream(path("TORN")) << "half a mess";
  auto store = open_store(options_, alarms_);
  EXPECT_TRUE(alarms_.has("TORN"));
  EXPECT_TRUE(fs::exists(path("TORN")));
  EXPECT_EQ(store->verify(true)->damaged, (std::vector<std::string>{"KEY", "TORN"}));
}

TEST_F(SpoolStore, VerifyDoesNotMistakeWorkForDamage) {
  auto store = open_store(options_);
  auto guest = open_store(options_, {}, Access::guest);
  Puts puts;
  for (int i = 0; i < 300; ++i) {
    store->put(store->draft(), "KEY-" + std::to_string(i), note(), puts.done());
    if (i % 60 == 0) {
      const auto findings = guest->verify(false);
      ASSERT_TRUE(findings.has_value());
      EXPECT_TRUE(findings->clean());
    }
    if (i > 100 && i % 10 == 0) {
      puts.wait();
      drop(*guest, "KEY-" + std::to_string(i - 100));
    }
  }
  puts.wait();
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(SpoolStore, AnIndexOfANewerVersionIsLeftAlone) {
  { open_store(options_); }
  {
    auto database = Database::open(path("index.db"), Database::Open::existing);
    ASSERT_TRUE(database->script("PRAGMA user_version = 99").has_value());
  }
  const auto store = Store::open(options_, Access::owner,
                                 {std::make_shared<const test::NoteTables>()}, alarms_.sink());
  ASSERT_FALSE(store.has_value());
  EXPECT_NE(store.error().why.find("newer"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::spool
