// Faults of the disk, of the index and of other processes, each made for real or between the
// program and libc: a put fails with its reason, leaves nothing behind, and the store recovers
// without a restart.
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mount.h>
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
using test::open_store;
using test::put;
using test::Puts;
using test::why;
namespace fs = std::filesystem;
namespace io = test::io;

class SpoolFaults : public testing::Test {
 protected:
  SpoolFaults() { options_.dir = place_.file("store"); }
  ~SpoolFaults() override {
    io::set_failures({});
    if (mounted_) ::umount2(mount_point().c_str(), MNT_DETACH);
  }

  std::string mount_point() const { return place_.file("disk"); }
  std::string path(const std::string& name) const { return options_.dir + "/" + name; }

  // A file system of its own, for root.
  bool mount(const char* data, unsigned long flags = 0) {
    fs::create_directory(mount_point());
    mounted_ = ::mount("sekisho-test", mount_point().c_str(), "tmpfs", flags, data) == 0;
    options_.dir = mount_point() + "/store";
    return mounted_;
  }
  bool recovers(Store& store, const std::string& key) {
    const auto deadline = steady_now() + std::chrono::seconds(10);
    for (int i = 0; steady_now() < deadline; ++i) {
      if (put(store, key + std::to_string(i), "after").has_value()) return store.health().healthy;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return false;
  }
  void spoil(const std::string& name) {
    const std::string octets(static_cast<std::size_t>(fs::file_size(path(name))), '\xA5');
    std::ofstream(path(name), std::ios::in | std::ios::out | std::ios::binary) << octets;
  }
  // No file that is not a message of the index, no row without its file.
  void expect_nothing_partial(Store& store) {
    for (const auto& entry : fs::directory_iterator(options_.dir))
      EXPECT_FALSE(entry.path().filename().string().starts_with(".tmp-")) << entry.path();
    const auto usage = store.usage();
    ASSERT_TRUE(usage.has_value());
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(options_.dir))
      files += is_key(entry.path().filename().string()) ? 1 : 0;
    EXPECT_EQ(usage->messages, files);
    const auto findings = store.verify(true);
    ASSERT_TRUE(findings.has_value()) << findings.error().why;
    EXPECT_TRUE(findings->clean());
  }

  test::TemporaryFolder place_;
  Options options_;
  Alarms alarms_;
  bool mounted_ = false;
};

TEST_F(SpoolFaults, AFullDisk) {
  if (!mount("size=2m,mode=0755")) GTEST_SKIP() << "only root mounts a small disk";
  auto store = open_store(options_, alarms_);
  ASSERT_EQ(why(put(*store, "BEFORE", "kept")), "stored");
  std::string outcome;
  for (int i = 0; i < 100 && (outcome.empty() || outcome == "stored"); ++i)
    outcome = why(put(*store, "FILL-" + std::to_string(i), std::string(100'000, 'x')));
  EXPECT_EQ(outcome, "no space");
  EXPECT_FALSE(store->health().healthy);
  EXPECT_TRUE(alarms_.has("nothing can be stored"));
  EXPECT_EQ(*store->open_message("BEFORE")->read_all(), "kept");
  expect_nothing_partial(*store);
  for (int i = 0; i < 8; ++i) {
    auto dropped = store->change(
        [&](Change& change) { return drop_note(change, "FILL-" + std::to_string(i)); });
    (void)dropped;  // on the full disk it may fail
    fs::remove(path("FILL-" + std::to_string(i)));
  }
  EXPECT_TRUE(recovers(*store, "AFTER"));
  EXPECT_TRUE(alarms_.has("can be stored again"));
}

TEST_F(SpoolFaults, ALargeDraftOnAFullDiskIsDropped) {
  if (!mount("size=1m,mode=0755")) GTEST_SKIP() << "only root mounts a small disk";
  auto store = open_store(options_, alarms_);
  auto draft = store->draft();
  for (int i = 0; i < 100; ++i) draft.append(std::string(30'000, 'x'));
  EXPECT_EQ(draft.size(), 3'000'000U);
  ASSERT_TRUE(draft.failure().has_value());
  EXPECT_EQ(draft.failure()->kind, Failure::Kind::no_space);
  Puts puts;
  store->put(std::move(draft), "LARGE", note(), puts.done());
  EXPECT_EQ(why(puts.wait().front()), "no space");
  EXPECT_TRUE(recovers(*store, "AFTER"));
  expect_nothing_partial(*store);
}

TEST_F(SpoolFaults, AReadOnlyFileSystem) {
  if (!mount("size=8m,mode=0755")) GTEST_SKIP() << "only root mounts a disk of its own";
  auto store = open_store(options_, alarms_);
  ASSERT_EQ(why(put(*store, "BEFORE", "kept")), "stored");
  // tmpfs goes read-only only when nobody writes; a bind mount does so at any time.
  ASSERT_EQ(::mount(mount_point().c_str(), mount_point().c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(
      ::mount(nullptr, mount_point().c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr),
      0);
  store.reset();
  const auto refused = Store::open(options_, Access::owner,
                                   {std::make_shared<const test::NoteTables>()}, alarms_.sink());
  EXPECT_FALSE(refused.has_value());
  ASSERT_EQ(::umount2(mount_point().c_str(), MNT_DETACH), 0);
  store = open_store(options_, alarms_);
  EXPECT_EQ(*store->open_message("BEFORE")->read_all(), "kept");
}

TEST_F(SpoolFaults, AFolderThatBecomesReadOnly) {
  auto store = open_store(options_, alarms_);
  ASSERT_EQ(why(put(*store, "BEFORE", "kept")), "stored");
  io::set_failures([](io::Call call, const std::string& name) {
    return call == io::Call::fsync || is_key(name) ? 0 : EROFS;
  });
  EXPECT_EQ(why(put(*store, "DURING", "lost")), "not writable");
  EXPECT_EQ(store->open_message("BEFORE")->size(), 4U);
  io::set_failures({});
  EXPECT_TRUE(recovers(*store, "AFTER"));
  expect_nothing_partial(*store);
}

// Files go by the folder and the index by its path: they must not come apart.
TEST_F(SpoolFaults, AFolderInWhosePlaceIsAnother) {
  auto store = open_store(options_, alarms_);
  ASSERT_EQ(why(put(*store, "BEFORE", "kept")), "stored");
  const std::string away = options_.dir + ".away";
  fs::rename(options_.dir, away);
  fs::create_directory(options_.dir);
  for (const char* key : {"DURING-1", "DURING-2", "DURING-3"}) {
    const auto outcome = put(*store, key, "lost");
    ASSERT_FALSE(outcome.has_value());
    EXPECT_NE(outcome.error().why.find("not the folder that it was"), std::string::npos)
        << outcome.error().why;
  }
  EXPECT_FALSE(store->health().healthy);
  EXPECT_TRUE(fs::is_empty(options_.dir)) << "an index without its messages";
  fs::remove(options_.dir);
  fs::rename(away, options_.dir);
  EXPECT_TRUE(recovers(*store, "AFTER"));
  EXPECT_EQ(*store->open_message("BEFORE")->read_all(), "kept");
  expect_nothing_partial(*store);
}

TEST_F(SpoolFaults, AnIndexThatAnotherProcessHasLocked) {
  auto store = open_store(options_, alarms_);
  ASSERT_EQ(why(put(*store, "BEFORE", "kept")), "stored");
  int ready[2];
  int go[2];
  ASSERT_EQ(::pipe(ready) + ::pipe(go), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char octet = 0;
    auto database = Database::open(path("index.db"), Database::Open::existing);
    const bool locked = database && database->run("BEGIN EXCLUSIVE").has_value();
    if (!locked || ::write(ready[1], "x", 1) != 1 || ::read(go[0], &octet, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  char octet = 0;
  ASSERT_EQ(::read(ready[0], &octet, 1), 1);
  // Two seconds for each of them, not one after another.
  const auto start = steady_now();
  Puts puts;
  for (int i = 0; i < 10; ++i) {
    store->put(store->draft(), "DURING-" + std::to_string(i), note(), puts.done());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  for (const auto& outcome : puts.wait()) EXPECT_EQ(why(outcome), "locked");
  const auto waited = steady_now() - start;
  EXPECT_GE(waited, std::chrono::milliseconds(1500));
  EXPECT_LE(waited, std::chrono::milliseconds(15'000))
      << "ten times two seconds, one after another";
  EXPECT_FALSE(store->health().healthy);
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  ::waitpid(child, nullptr, 0);
  for (const int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
  EXPECT_TRUE(recovers(*store, "AFTER"));
  expect_nothing_partial(*store);
}

TEST_F(SpoolFaults, AnIndexThatIsDamagedWhileItIsUsed) {
  for (const std::string how : {"octets", "a table", "cut to nothing"}) {
    fs::remove_all(options_.dir);
    Alarms alarms;
    auto store = open_store(options_, alarms);
    for (int i = 0; i < 20; ++i)
      ASSERT_EQ(why(put(*store, "BEFORE-" + std::to_string(i), "kept")), "stored");
    {
      auto other = Database::open(path("index.db"), Database::Open::existing);
      ASSERT_TRUE(other->run("UPDATE tries SET number = number + 1").has_value());
      if (how == "a table") {
        ASSERT_TRUE(other->script("DROP TABLE files").has_value());
      } else if (how == "cut to nothing") {
        fs::resize_file(path("index.db"), 0);
      } else {
        spoil("index.db");
        spoil("index.db-wal");
        // A change by another process: what the store has in memory does not hold any more.
        ASSERT_TRUE(other->run("UPDATE tries SET number = number + 1").has_value());
      }
    }
    EXPECT_FALSE(put(*store, "DURING", "refused").has_value()) << how;
    EXPECT_TRUE(recovers(*store, "AFTER")) << how;
    EXPECT_TRUE(alarms.has("damaged")) << how;
    expect_nothing_partial(*store);
    EXPECT_EQ(store->usage()->messages, 21U) << how;
    EXPECT_EQ(*store->open_message("BEFORE-7")->read_all(), "kept");
    std::size_t aside = 0;
    for (const auto& entry : fs::directory_iterator(options_.dir))
      aside += entry.path().filename().string().starts_with("index.db.damaged-") ? 1 : 0;
    EXPECT_GE(aside, 1U) << how;
  }
}

TEST_F(SpoolFaults, AnIndexThatIsDamagedOrGoneAtTheStart) {
  for (const char* how : {"text", "half", "empty", "gone", "without its log"}) {
    fs::remove_all(options_.dir);
    {
      auto store = open_store(options_);
      for (int i = 0; i < 20; ++i)
        ASSERT_EQ(why(put(*store, "KEY-" + std::to_string(i), "kept")), "stored");
    }
    const std::string what = how;
    const auto size = fs::file_size(path("index.db"));
    if (what == "text") std::ofstream(path("index.db")) << "this is no database";
    if (what == "half") fs::resize_file(path("index.db"), size / 2);
    if (what == "empty") fs::resize_file(path("index.db"), 0);
    if (what == "gone") fs::remove(path("index.db"));
    if (what == "without its log") std::ofstream(path("index.db-wal")) << std::string(5000, 'x');
    Alarms alarms;
    auto store = open_store(options_, alarms);
    ASSERT_TRUE(store) << how;
    EXPECT_EQ(store->usage()->messages, 20U) << how;
    expect_nothing_partial(*store);
    EXPECT_EQ(why(put(*store, "AFTER", "new")), "stored") << how;
  }
}

// Whatever fails to fsync: the message is refused, nothing is asked to fsync again on the same
// descriptor, and nothing is stored before a file of its own has been.
TEST_F(SpoolFaults, AFailedFsync) {
  for (const std::string which : {".tmp-", ".", "index.db-wal"}) {
    fs::remove_all(options_.dir);
    Alarms alarms;
    auto store = open_store(options_, alarms);
    ASSERT_EQ(why(put(*store, "BEFORE", "kept")), "stored");
    std::atomic<bool> failing{true};
    std::atomic<int> asked{0};
    io::set_failures([&](io::Call call, const std::string& name) {
      const bool meant = which == "." ? name == "." : name.find(which) != std::string::npos;
      if (call != io::Call::fsync || !meant) return 0;
      ++asked;
      return failing ? EIO : 0;
    });
    EXPECT_EQ(why(put(*store, "DURING", "lost")), "fsync failed") << which;
    EXPECT_EQ(asked, 1) << which;
    EXPECT_EQ(why(put(*store, "BARRED", "refused")), "unavailable") << which;
    EXPECT_FALSE(store->health().healthy);
    failing = false;
    EXPECT_TRUE(recovers(*store, "AFTER")) << which;
    io::set_failures({});
    EXPECT_FALSE(store->open_message("DURING").has_value()) << which;
    EXPECT_EQ(*store->open_message("BEFORE")->read_all(), "kept");
    expect_nothing_partial(*store);
  }
}

// A try that does not write to the index would believe a disk that still fails.
TEST_F(SpoolFaults, AnFsyncOfTheIndexThatGoesOnFailing) {
  auto store = open_store(options_, alarms_);
  io::set_failures([](io::Call call, const std::string& name) {
    return call == io::Call::fsync && name.ends_with("index.db-wal") ? EIO : 0;
  });
  EXPECT_EQ(why(put(*store, "DURING", "lost")), "fsync failed");
  const auto end = steady_now() + std::chrono::milliseconds(2500);
  for (int i = 0; steady_now() < end; ++i) {
    EXPECT_EQ(why(put(*store, "BARRED-" + std::to_string(i), "refused")), "unavailable");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  io::set_failures({});
  EXPECT_TRUE(recovers(*store, "AFTER"));
  expect_nothing_partial(*store);
  // Nor is the transaction that failed found in SQLite's log.
  store.reset();
  Alarms later;
  store = open_store(options_, later);
  EXPECT_EQ(later.count(), 0U);
  EXPECT_EQ(store->usage()->messages, 1U);
}

// Every call of one put fails once, in every way: the put is refused or kept, and which of both is
// true.
TEST_F(SpoolFaults, EveryCallOfAPutFailsOnce) {
  auto store = open_store(options_, alarms_);
  ASSERT_EQ(why(put(*store, "BEFORE", "kept")), "stored");
  std::atomic<int> counted{0};
  io::set_failures([&](io::Call, const std::string&) {
    ++counted;
    return 0;
  });
  ASSERT_EQ(why(put(*store, "COUNTED", "message")), "stored");
  io::set_failures({});
  const int calls = counted;
  std::vector<std::string> acknowledged;
  for (const int error : {EIO, ENOSPC}) {
    for (int nth = 0; nth < calls; ++nth) {
      std::atomic<int> at{0};
      io::set_failures([&](io::Call, const std::string&) { return at++ == nth ? error : 0; });
      const std::string key = "KEY-" + std::to_string(error) + "-" + std::to_string(nth);
      const auto outcome = put(*store, key, "message");
      io::set_failures({});
      if (outcome.has_value()) acknowledged.push_back(key);
      EXPECT_EQ(store->open_message(key).has_value(), outcome.has_value()) << error << " " << nth;
      ASSERT_TRUE(recovers(*store, "AFTER-" + key + "-")) << error << " " << nth;
    }
  }
  EXPECT_GE(calls,
            6);  // open, write, fsync, rename, the folder's fsync, the index's write and fsync
  for (const auto& key : acknowledged)
    EXPECT_EQ(*store->open_message(key)->read_all(), "message") << key;
  expect_nothing_partial(*store);
}

TEST_F(SpoolFaults, ADiskThatStandsStillIsNotWaitedForByEverybody) {
  options_.writers = 2;
  auto store = open_store(options_, alarms_);
  std::atomic<bool> stands{true};
  io::set_failures([&](io::Call call, const std::string&) {
    while (call == io::Call::write && stands)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return 0;
  });
  Puts puts;
  const auto start = steady_now();
  for (int i = 0; i < 1100; ++i)
    store->put(store->draft(), "KEY-" + std::to_string(i), note(), puts.done());
  EXPECT_LT(steady_now() - start, std::chrono::seconds(2));  // put() does not wait
  stands = false;
  std::size_t refused = 0;
  for (const auto& outcome : puts.wait()) refused += why(outcome) == "unavailable" ? 1 : 0;
  EXPECT_GE(refused, 1100U - 1024U - 2U);
  EXPECT_LT(refused, 100U);
  EXPECT_TRUE(store->health().healthy);
}

}  // namespace
}  // namespace sekisho::spool
