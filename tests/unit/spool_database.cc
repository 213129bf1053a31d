// The database wrapper: parameters, transactions, and what other processes do to them.
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "spool/database.h"
#include "support/temporary_folder.h"

namespace sekisho::spool {
namespace {

class SpoolDatabase : public testing::Test {
 protected:
  Database open() {
    auto database = Database::open(path_, Database::Open::create);
    EXPECT_TRUE(database.has_value()) << (database ? "" : database.error().why);
    return std::move(*database);
  }
  std::int64_t count(Database& database) {
    std::int64_t n = -1;
    auto read = database.query("SELECT count(*) FROM t", {}, [&](const Row& row) {
      n = row.integer(0);
      return true;
    });
    EXPECT_TRUE(read.has_value());
    return n;
  }

  test::TemporaryFolder place_;
  std::string path_ = place_.file("t.db");
};

TEST_F(SpoolDatabase, ParametersAreNeverSql) {
  auto db = open();
  ASSERT_TRUE(db.script("CREATE TABLE t (a TEXT, b INTEGER, c TEXT)").has_value());
  const std::string nasty("' OR 1=1; DROP TABLE t; --\0\xFF\n\x1B[31m", 34);
  ASSERT_TRUE(db.run("INSERT INTO t VALUES (?1, ?2, ?3)", {nasty, std::int64_t{-1} << 40, nullptr})
                  .has_value());
  ASSERT_TRUE(db.run("INSERT INTO t VALUES (?1, 0, '')", {std::string_view()}).has_value());
  std::vector<std::string> seen;
  ASSERT_TRUE(db.query("SELECT a, b, c FROM t WHERE a = ?1", {nasty}, [&](const Row& row) {
                  seen.emplace_back(row.text(0));
                  EXPECT_EQ(row.integer(1), std::int64_t{-1} << 40);
                  EXPECT_TRUE(row.is_null(2));
                  return true;
                }).has_value());
  EXPECT_EQ(seen, std::vector<std::string>{nasty});
  // An empty text is not NULL.
  bool empty = false;
  ASSERT_TRUE(db.query("SELECT a FROM t WHERE a = ''", {}, [&](const Row& row) {
                  empty = !row.is_null(0);
                  return true;
                }).has_value());
  EXPECT_TRUE(empty);
}

TEST_F(SpoolDatabase, RunSaysHowManyRowsItChanged) {
  auto db = open();
  ASSERT_TRUE(db.script("CREATE TABLE t (a INTEGER)").has_value());
  EXPECT_EQ(*db.run("INSERT INTO t VALUES (1), (2), (3)"), 3);
  EXPECT_EQ(*db.run("UPDATE t SET a = a + 1 WHERE a > ?1", {std::int64_t{1}}), 2);
  EXPECT_EQ(*db.run("UPDATE t SET a = 0 WHERE a > ?1", {std::int64_t{100}}), 0);
}

TEST_F(SpoolDatabase, AFailedTransactionLeavesNothing) {
  auto db = open();
  ASSERT_TRUE(db.script("CREATE TABLE t (a INTEGER UNIQUE)").has_value());
  const auto twice = db.transaction([&]() -> Outcome<void> {
    for (int i = 0; i < 2; ++i) {
      if (auto added = db.run("INSERT INTO t VALUES (1)"); !added) return failed(added.error());
    }
    return {};
  });
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().kind, Failure::Kind::refused);
  EXPECT_EQ(count(db), 0);
  EXPECT_TRUE(db.transaction([&]() -> Outcome<void> {
                  auto added = db.run("INSERT INTO t VALUES (1)");
                  return added ? Outcome<void>{} : failed(added.error());
                }).has_value());
  EXPECT_EQ(count(db), 1);
}

TEST_F(SpoolDatabase, WaitsForALockAsLongAsItIsTold) {
  auto db = open();
  ASSERT_TRUE(db.script("CREATE TABLE t (a INTEGER)").has_value());
  auto other = open();
  ASSERT_TRUE(other.run("BEGIN EXCLUSIVE").has_value());
  db.set_patience(std::chrono::milliseconds(150));
  const auto start = steady_now();
  const auto locked = db.run("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(locked.has_value());
  EXPECT_EQ(locked.error().kind, Failure::Kind::locked);
  EXPECT_GE(steady_now() - start, std::chrono::milliseconds(100));
  EXPECT_EQ(count(db), 0);  // readers do not wait for a writer
  ASSERT_TRUE(other.run("ROLLBACK").has_value());
  EXPECT_TRUE(db.run("INSERT INTO t VALUES (1)").has_value());
}

TEST_F(SpoolDatabase, IsDurableWalWithOurMode) {
  auto db = open();
  std::string mode;
  std::int64_t synchronous = 0;
  ASSERT_TRUE(db.query("PRAGMA journal_mode", {}, [&](const Row& row) {
                  mode = row.text(0);
                  return true;
                }).has_value());
  ASSERT_TRUE(db.query("PRAGMA synchronous", {}, [&](const Row& row) {
                  synchronous = row.integer(0);
                  return true;
                }).has_value());
  EXPECT_EQ(mode, "wal");
  EXPECT_EQ(synchronous, 2);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(SpoolDatabase, OtherFilesAreRefused) {
  EXPECT_EQ(Database::open(path_, Database::Open::existing).error().kind, Failure::Kind::not_found);
  ASSERT_EQ(::symlink("/etc/passwd", path_.c_str()), 0);
  EXPECT_FALSE(Database::open(path_, Database::Open::create).has_value());
  EXPECT_FALSE(Database::open(path_, Database::Open::existing).has_value());
  std::ofstream(place_.file("text")) << std::string(5000, 'x');
  const auto text = Database::open(place_.file("text"), Database::Open::existing);
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().kind, Failure::Kind::damaged);
}

TEST_F(SpoolDatabase, AMissingTableIsDamage) {
  auto db = open();
  EXPECT_EQ(db.run("INSERT INTO nowhere VALUES (1)").error().kind, Failure::Kind::damaged);
}

}  // namespace
}  // namespace sekisho::spool
