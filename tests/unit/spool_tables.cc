// One store with two tables: a message that both have a part in is written once, moves from one to
// the other in one transaction, and is there until neither wants it; whatever breaks off between.
#include <atomic>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/io.h"
#include "spool/store.h"
#include "support/spool_store.h"
#include "support/temporary_folder.h"

namespace sekisho::spool {
namespace {

using test::Alarms;
using test::drop_note;
using test::note;
using test::NoteTables;
using test::open_store;
using test::put;
using test::Puts;
using test::WaitingTables;
using test::why;
namespace fs = std::filesystem;
namespace io = test::io;

const std::vector<Part> both = {{"notes", "held for a"},
                                {"waiting", "b@example.jp\nc@example.jp\n"}};

std::unique_ptr<Store> open_both(const Options& options, const Alarms& alarms = {},
                                 Access access = Access::owner) {
  auto store =
      Store::open(options, access,
                  {std::make_shared<const NoteTables>(), std::make_shared<const WaitingTables>()},
                  alarms.sink());
  EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().why);
  return store ? std::move(*store) : nullptr;
}

// Rows of both tables: "notes KEY=held for a", "waiting KEY=b@example.jp", "sent KEY=…".
std::vector<std::string> rows(Store& store) {
  std::vector<std::string> all;
  auto read = store.read([&](Database& database) {
    return database.query(
        "SELECT 'notes', key, note FROM notes UNION ALL"
        " SELECT iif(sent, 'sent', 'waiting'), key, recipient FROM waiting ORDER BY 2, 1, 3",
        {}, [&](const Row& row) {
          all.push_back(std::string(row.text(0)) + " " + std::string(row.text(1)) + "=" +
                        std::string(row.text(2)));
          return true;
        });
  });
  EXPECT_TRUE(read.has_value());
  return all;
}

// A release: what was held for a waits for it. In which order things are said does not matter.
Outcome<void> move_note(Store& store, const std::string& key, bool drop_first = true) {
  return store.change([&](Change& change) -> Outcome<void> {
    Outcome<void> done;
    if (drop_first) done = drop_note(change, key);
    if (done) done = WaitingTables::wait(change.database(), key, "a@example.jp");
    if (done && !drop_first) done = drop_note(change, key);
    return done;
  });
}

Outcome<void> sent(Store& store, const std::string& key, const std::string& to) {
  return store.change([&](Change& change) { return WaitingTables::sent(change, key, to); });
}

class SpoolTables : public testing::Test {
 protected:
  SpoolTables() { options_.dir = place_.file("store"); }
  ~SpoolTables() override { io::set_failures({}); }

  std::string path(const std::string& name) const { return options_.dir + "/" + name; }
  bool has_file(const std::string& name) const { return fs::exists(path(name)); }
  void lose_index() {
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(path("index.db") + end);
  }
  // How often a put of these parts fsyncs.
  int fsyncs(Store& store, const std::string& key, const std::vector<Part>& parts) {
    std::atomic<int> count{0};
    io::set_failures([&](io::Call call, const std::string&) {
      count += call == io::Call::fsync ? 1 : 0;
      return 0;
    });
    EXPECT_EQ(why(put(store, key, "message", parts)), "stored");
    io::set_failures({});
    return count;
  }

  test::TemporaryFolder place_;
  Options options_;
  Alarms alarms_;
};

TEST_F(SpoolTables, OnePutOneFileOneFsyncForBoth) {
  auto store = open_both(options_, alarms_);
  const int alone = fsyncs(*store, "ALONE", note());
  EXPECT_EQ(fsyncs(*store, "BOTH", both), alone);
  EXPECT_EQ(alone, 3) << "the file, the folder, the index";
  EXPECT_EQ(rows(*store),
            (std::vector<std::string>{"notes ALONE=note", "notes BOTH=held for a",
                                      "waiting BOTH=b@example.jp", "waiting BOTH=c@example.jp"}));
  EXPECT_EQ(store->usage()->messages, 2U);
  EXPECT_EQ(store->usage()->octets, fs::file_size(path("ALONE")) + fs::file_size(path("BOTH")));
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(SpoolTables, WhatTheFirstHaveForThemselvesIsWrittenAsEver) {
  auto store = open_both(options_);
  ASSERT_EQ(why(put(*store, "ALONE", "message", note("a record"))), "stored");
  ASSERT_EQ(why(put(*store, "BOTH", "message", both)), "stored");
  const auto octets = [&](const std::string& key) {
    std::ifstream in(path(key), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(octets("ALONE"), "messagea recordsekisho-spool 1 0000000000000007 00000008 78e8a393\n");
  EXPECT_TRUE(
      octets("BOTH").starts_with("messagenotes 10\nheld for a\nwaiting 26\nb@example.jp\n"
                                 "c@example.jp\n\nsekisho-spool 2 0000000000000007 "));
}

TEST_F(SpoolTables, TheFileGoesWithTheLastRow) {
  auto store = open_both(options_, alarms_);
  auto guest = open_both(options_, {}, Access::guest);
  for (const std::string key : {"NOTE-LAST", "NOTE-FIRST"}) {
    ASSERT_EQ(why(put(*store, key, "message", both)), "stored");
    if (key == "NOTE-FIRST") {
      ASSERT_TRUE(guest->change([&](Change& change) { return drop_note(change, key); }));
    }
    ASSERT_TRUE(sent(*store, key, "b@example.jp"));
    EXPECT_TRUE(has_file(key)) << key;
    ASSERT_TRUE(sent(*guest, key, "c@example.jp"));
    EXPECT_EQ(has_file(key), key == "NOTE-LAST");
    if (key == "NOTE-LAST") {
      ASSERT_TRUE(store->change([&](Change& change) { return drop_note(change, key); }));
    }
    EXPECT_FALSE(has_file(key)) << key;
  }
  EXPECT_EQ(store->usage()->messages, 0U);
  EXPECT_EQ(store->usage()->octets, 0U);
}

TEST_F(SpoolTables, AMoveIsOneTransaction) {
  auto store = open_both(options_, alarms_);
  for (const bool drop_first : {true, false}) {
    const std::string key = drop_first ? "FIRST" : "LAST";
    ASSERT_EQ(why(put(*store, key, "message", note("held for a"))), "stored");
    ASSERT_TRUE(move_note(*store, key, drop_first));
    EXPECT_TRUE(has_file(key)) << "nobody wanted it in between";
    EXPECT_FALSE(move_note(*store, key, drop_first)) << "a second time";
    ASSERT_TRUE(sent(*store, key, "a@example.jp"));
    EXPECT_FALSE(has_file(key));
  }
  // What fails has changed neither.
  ASSERT_EQ(why(put(*store, "KEY", "message", note("held for a"))), "stored");
  const auto before = rows(*store);
  auto failing = store->change([&](Change& change) -> Outcome<void> {
    auto done = drop_note(change, "KEY");
    if (done) done = WaitingTables::wait(change.database(), "KEY", "a@example.jp");
    EXPECT_TRUE(done);
    return failed(Failure::Kind::refused, "it shall not be");
  });
  EXPECT_FALSE(failing);
  EXPECT_EQ(rows(*store), before);
  EXPECT_TRUE(has_file("KEY"));
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(SpoolTables, AnIndexThatIsLostIsMadeAgainForBoth) {
  std::vector<std::string> before;
  {
    auto store = open_both(options_);
    ASSERT_EQ(why(put(*store, "ALONE", "message", note())), "stored");
    ASSERT_EQ(why(put(*store, "BOTH", "message", both)), "stored");
    ASSERT_EQ(why(put(*store, "OTHER", "message", {{"waiting", "d@example.jp\n"}})), "stored");
    before = rows(*store);
  }
  lose_index();
  auto store = open_both(options_, alarms_);
  EXPECT_EQ(rows(*store), before);
  EXPECT_EQ(store->usage()->messages, 3U);
  EXPECT_TRUE(alarms_.has("3 messages"));
  EXPECT_TRUE(store->verify(true)->clean());
}

// After a crash between the commit and the removal of the file.
TEST_F(SpoolTables, AFileThatNobodyWantsDoesNotComeBack) {
  auto store = open_both(options_);
  for (const char* key : {"DONE", "HALF"}) {
    ASSERT_EQ(why(put(*store, key, "message", both)), "stored");
    fs::copy_file(path(key), place_.file(key));
    ASSERT_TRUE(sent(*store, key, "b@example.jp"));
    ASSERT_TRUE(sent(*store, key, "c@example.jp"));
  }
  ASSERT_TRUE(store->change([&](Change& change) { return drop_note(change, "DONE"); }));
  store.reset();
  fs::copy_file(place_.file("DONE"), path("DONE"));
  store = open_both(options_, alarms_);
  EXPECT_FALSE(has_file("DONE"));
  EXPECT_TRUE(has_file("HALF"));
  EXPECT_EQ(store->usage()->messages, 1U);
}

TEST_F(SpoolTables, APartThatCannotBePlacedLeavesNothing) {
  auto store = open_both(options_, alarms_);
  const std::vector<Part> bad = {{"notes", "note"}, {"waiting", "refuse"}};
  EXPECT_EQ(why(put(*store, "BAD", "message", bad)), "refused");
  const std::vector<Part> repeating = {{"notes", "same as GOOD"}, {"waiting", "b@example.jp\n"}};
  ASSERT_EQ(why(put(*store, "GOOD", "message", note())), "stored");
  EXPECT_EQ(why(put(*store, "REPEATS", "message", repeating)), "refused") << "b would never get it";
  EXPECT_EQ(rows(*store), std::vector<std::string>{"notes GOOD=note"});
  EXPECT_FALSE(has_file("BAD"));
  EXPECT_FALSE(has_file("REPEATS"));
  for (const auto& parts : std::vector<std::vector<Part>>{
           {}, {{"others", "x"}}, {{"notes", "x"}, {"notes", "y"}}, {{"notes", "x"}, {"", "y"}}}) {
    EXPECT_EQ(why(put(*store, "KEY", "message", parts)), "refused");
  }
  // A key that one of them knows already.
  ASSERT_TRUE(store->change([&](Change& change) { return drop_note(change, "GOOD"); }));
  EXPECT_EQ(why(put(*store, "GOOD", "message", both)), "exists already");
  EXPECT_EQ(rows(*store), std::vector<std::string>{"notes GOOD=dropped"});
  EXPECT_TRUE(store->health().healthy);
  EXPECT_TRUE(store->verify(true)->clean());
}

TEST_F(SpoolTables, AnIndexOfOneBecomesOneOfSeveralAndNotBack) {
  { ASSERT_EQ(why(put(*open_store(options_), "OLD", "message", note("old"))), "stored"); }
  {
    auto store = open_both(options_, alarms_);
    EXPECT_EQ(rows(*store), std::vector<std::string>{"notes OLD=old"});
    ASSERT_EQ(why(put(*store, "BOTH", "message", both)), "stored");
    EXPECT_EQ(alarms_.count(), 0U);
  }
  // A program that knows only the first tables would remove what the others want.
  for (const auto access : {Access::owner, Access::guest}) {
    const auto one =
        Store::open(options_, access, {std::make_shared<const NoteTables>()}, alarms_.sink());
    ASSERT_FALSE(one.has_value());
    EXPECT_NE(one.error().why.find("newer"), std::string::npos);
  }
  lose_index();
  Alarms told;
  auto one = open_store(options_, told);
  EXPECT_TRUE(told.has("damaged: 1: BOTH")) << "left, and told";
  EXPECT_TRUE(has_file("BOTH"));
  EXPECT_EQ(one->usage()->messages, 1U);
  one.reset();
  auto store = open_both(options_);
  EXPECT_EQ(store->usage()->messages, 2U);
  EXPECT_EQ(rows(*store).size(), 4U);
}

TEST_F(SpoolTables, MaxSizeCountsAFileOnceAndNoMove) {
  options_.max_size = 4000;
  auto store = open_both(options_);
  ASSERT_EQ(why(put(*store, "A", std::string(3000, 'x'), both)), "stored");
  EXPECT_EQ(why(put(*store, "B", std::string(3000, 'x'), both)), "limit reached");
  EXPECT_TRUE(move_note(*store, "A"));
  ASSERT_TRUE(sent(*store, "A", "a@example.jp"));
  ASSERT_TRUE(sent(*store, "A", "b@example.jp"));
  EXPECT_EQ(why(put(*store, "B", std::string(3000, 'x'), both)), "limit reached");
  ASSERT_TRUE(sent(*store, "A", "c@example.jp"));
  EXPECT_EQ(why(put(*store, "B", std::string(3000, 'x'), both)), "stored");
}

// A process that ends before its call number `nth` to the file system: whatever it had said by
// then is so, and each recipient has its message in one table.
class Killed {
 public:
  Killed(const Options& options, int nth) : options_(options) {
    int notes[2];
    if (::pipe(notes) != 0) std::abort();
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(notes[0]);
      run(notes[1], nth);
    }
    ::close(notes[1]);
    for (char c = 0; ::read(notes[0], &c, 1) == 1;) said_ += c;
    ::close(notes[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ended_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  // p put, m moved, s sent to all
  const std::string& said() const { return said_; }
  // It came to its end, before that call.
  bool ended() const { return ended_; }

 private:
  [[noreturn]] void run(int notes, int nth) const {
    const auto say = [&](char c) {
      if (::write(notes, &c, 1) != 1) ::_exit(3);
    };
    auto store = open_both(options_);
    std::atomic<int> calls{0};
    io::set_failures([&](io::Call, const std::string& name) {
      if (!name.empty() && calls++ == nth) ::_exit(2);
      return 0;
    });
    if (!store || !put(*store, "KEY", "message", both)) ::_exit(4);
    say('p');
    if (!move_note(*store, "KEY")) ::_exit(5);
    say('m');
    for (const char* to : {"a@example.jp", "b@example.jp", "c@example.jp"})
      if (!sent(*store, "KEY", to)) ::_exit(6);
    say('s');
    ::_exit(0);
  }

  Options options_;
  std::string said_;
  bool ended_ = false;
};

TEST_F(SpoolTables, KilledBeforeEachCall) {
  int nth = 0;
  bool moved = false;
  for (;; ++nth) {
    fs::remove_all(options_.dir);
    const Killed killed(options_, nth);
    const auto& said = killed.said();
    SCOPED_TRACE("before call " + std::to_string(nth) + ", said: " + said);
    Alarms alarms;
    auto store = open_both(options_, alarms);
    const auto all = rows(*store);
    const auto count = [&](const std::string& row) {
      return std::count(all.begin(), all.end(), row);
    };
    const auto in_notes = count("notes KEY=held for a");
    const auto of_a = count("waiting KEY=a@example.jp") + count("sent KEY=a@example.jp");
    if (said.empty()) {
      EXPECT_EQ(in_notes, has_file("KEY") ? 1 : 0);
    } else {
      EXPECT_EQ(in_notes + of_a, 1) << "in one of them";
      EXPECT_EQ(of_a == 1, said != "p" || count("notes KEY=dropped") == 1);
    }
    if (said == "pm" && !has_file("KEY")) {
      EXPECT_EQ(count("sent KEY=c@example.jp"), 1);
    }
    if (said == "p") {
      EXPECT_TRUE(has_file("KEY"));
      moved = moved || of_a == 1;
    }
    if (said == "pms") {
      EXPECT_FALSE(has_file("KEY"));
    }
    EXPECT_TRUE(store->verify(true)->clean());
    EXPECT_FALSE(alarms.has("missing"));
    if (killed.ended()) break;
  }
  EXPECT_GT(nth, 12);
  EXPECT_TRUE(moved) << "killed after the commit of the move, and before it was said";
}

}  // namespace
}  // namespace sekisho::spool
