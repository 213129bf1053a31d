// spool/database.h: one connection to an SQLite database: WAL, synchronous FULL, foreign keys, two
// seconds of patience with other processes. SQL is constant text of the program (checked at compile
// time); every value from outside is a bound parameter.
//   db.run("UPDATE t SET n = n + 1 WHERE id = ?1", {id});
//   db.query("SELECT n FROM t WHERE id = ?1", {id}, [&](const Row& row) { n = row.integer(0); });
// Errors: Failure; never throws.
// Thread: one owner at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/unique_handle.h"
#include "spool/failure.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sekisho::spool {

// SQL text of the program: only a literal converts to it.
class Sql {
 public:
  consteval Sql(const char* text) : text_(text) {}  // NOLINT: implicit, for db.run("…")
  const char* text() const { return text_; }

 private:
  const char* text_;
};

// A parameter. A string_view must outlive only the call.
using Value = std::variant<std::nullptr_t, std::int64_t, std::string_view>;

// One row of a result; valid only during the call.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Open { create, existing };
  // `usual`: 4 KB. `large`: 8 KB, for rows of 2 KB or more: a usual page would hold one of them and
  // be half empty.
  enum class Page { usual, large };

  // `create` makes the file if there is none, with mode 0640, pages of this size and, if this
  // process runs as root, the owner of the folder. An existing file keeps its page size. A symbolic
  // link is refused.
  static Outcome<Database> open(const std::string& path, Open how, Page page = Page::usual);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // Runs one statement without a result; returns how many rows it changed.
  Outcome<std::int64_t> run(Sql sql, std::initializer_list<Value> values = {});
  // Calls `each` for every row, in order, until it says false.
  using Each = std::function<bool(const Row&)>;
  Outcome<void> query(Sql sql, std::initializer_list<Value> values, const Each& each);
  // Several statements without parameters: a schema.
  Outcome<void> script(Sql sql);

  // Sets how long to wait for a lock of another process.
  void set_patience(std::chrono::milliseconds patience);

  // BEGIN IMMEDIATE … COMMIT around `work`; rolled back when it, or the commit, fails or throws.
  template <class Work>
  Outcome<void> transaction(Work&& work) {
    if (auto begun = run("BEGIN IMMEDIATE"); !begun) return failed(begun.error());
    try {
      Outcome<void> done = std::forward<Work>(work)();
      if (done) {
        if (auto committed = run("COMMIT"); !committed) done = failed(committed.error());
      }
      if (!done) roll_back();
      return done;
    } catch (...) {
      roll_back();
      throw;
    }
  }

  // Within a transaction, which goes on: the changes of `work` are undone if it fails.
  template <class Work>
  auto attempt(Work&& work) -> decltype(work()) {
    if (auto begun = run("SAVEPOINT attempt"); !begun) return failed(begun.error());
    auto done = std::forward<Work>(work)();
    if (auto ended = end_attempt(!done); !ended) return failed(ended.error());
    return done;
  }

 private:
  Outcome<void> end_attempt(bool undo);
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit Database(sqlite3* handle) : handle_(handle) {}
  Outcome<sqlite3_stmt*> prepared(Sql sql, std::initializer_list<Value> values);
  Failure last_failure(std::string_view doing) const;
  void roll_back() noexcept;

  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<const char*, Statement> statements_;  // by the literal's address
};

}  // namespace sekisho::spool
