// spool/store.h: messages kept for good: the one place that promises durability. When the callback
// of a put reports success, the message is on the disk: its file written and fsynced, renamed, its
// folder fsynced, its row committed (SQLite, WAL, synchronous FULL), in this order. Puts of the
// same moment share one fsync of the folder and one commit. A put that fails leaves nothing behind.
// The store recovers by itself: once a second it tries with a test file. Several processes may open
// the same store: one owner (the daemon), and guests. One store may have several tables, whose rows
// may name the same message file: docs/durability.md.
// Errors: Failure. Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spool/database.h"
#include "spool/failure.h"
#include "spool/message_file.h"
#include "spool/options.h"
#include "spool/parts.h"

namespace sekisho::spool {

// The owner puts messages and repairs the store after a crash; there is one at a time. A guest
// reads, changes and removes.
enum class Access { owner, guest };

// One message file as one of the tables sees it; valid only during the call.
struct Entry {
  std::string_view key;
  std::string_view record;  // the part of these tables
  std::uint64_t size = 0;   // octets of the message
  bool shared = false;      // other tables have a part in the file too
  bool again = false;       // not put now: a file of before, whose row was lost
};

// The key of a stored message: its own, or that of an earlier copy, which is kept instead.
struct Stored {
  std::string key;
  bool repeated = false;
};

// The tables of one user of the store, in the store's database. A message file is kept as long as
// any tables want it. Thread: any; several connections.
class Tables {
 public:
  virtual ~Tables() = default;
  // The name of their part in a message file: a word of a-z and "_" that never changes.
  virtual std::string_view name() const = 0;
  // Creates the tables, or brings them up to date. Within a transaction.
  virtual Outcome<void> create(Database& database) const = 0;

  enum class Placing {
    inserted,   // the row wants the file
    repeated,   // the message is the same as `same_as`: the file is not needed; never when `shared`
    abandoned,  // a row exists, but it no longer wants the file
  };
  struct Placed {
    Placing placing = Placing::inserted;
    std::string same_as;
  };
  // Inserts the row of one message, when it is put and when the index is rebuilt from the files;
  // within a transaction. An existing row counts as `inserted`. `has_file` says whether the file of
  // a key exists.
  using HasFile = std::function<bool(const std::string& key)>;
  virtual Outcome<Placed> place(Database& database, const Entry& entry,
                                const HasFile& has_file) const = 0;
  // Whether a row still needs the message file. Called at the end of a change, within it.
  virtual Outcome<bool> wants(Database& database, const std::string& key) const = 0;
};

// All tables of a store. The order never changes: a file or an index without names, from a version
// with one table, belongs to the first.
using AllTables = std::vector<std::shared_ptr<const Tables>>;

struct Health {
  bool healthy = true;
  std::string why;  // the last failure, when not healthy
};

struct Usage {
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;  // of the message files, records included
};

// The result of comparing index and files.
struct Findings {
  std::uint64_t messages = 0;             // compared
  std::vector<std::string> without_file;  // rows whose file is missing
  std::vector<std::string> without_row;   // files without a row
  std::vector<std::string> damaged;       // damaged files
  bool clean() const { return without_file.empty() && without_row.empty() && damaged.empty(); }
};

// One change of the index, of any of its tables, all or nothing: a row that moves from one to
// another is never in both and never in none.
class Change {
 public:
  explicit Change(Database& connection) : database_(connection) {}
  Database& database() { return database_; }
  // A row no longer wants the message file. All tables are asked at the end of the change; if none
  // wants it, the file is removed after the commit.
  void drop(const std::string& key) { dropped_.push_back(key); }
  const std::vector<std::string>& dropped() const { return dropped_; }

 private:
  Database& database_;
  std::vector<std::string> dropped_;
};

class Store {
 public:
  // Called once for each thing that an admin must know: a missing file, a rebuilt index. From any
  // thread.
  using Alarm = std::function<void(const std::string& sentence)>;

  // An owner first compares index and files, and indexes files left by a crash; it is refused while
  // another process is the owner. A guest is refused if there is no store.
  static Outcome<std::unique_ptr<Store>> open(const Options& options, Access access,
                                              AllTables tables, Alarm alarm);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;  // waits for the puts under way

  // A new, empty message; may outlive the store.
  virtual Draft draft() const = 0;
  // Never blocks. `parts`: one for each of the tables that gets a row; all rows are made, or none;
  // the file is written and fsynced once. `done` is called exactly once, from a thread of the store
  // that it must not block; for `refused`, at once.
  using Done = std::function<void(Outcome<Stored>)>;
  using With = std::function<Outcome<void>(Change&)>;
  void put(Draft draft, std::string key, std::vector<Part> parts, Done done) {
    put_with(std::move(draft), std::move(key), std::move(parts), {}, std::move(done));
  }
  // The rows of the message and `with`, a change of others, are one transaction.
  virtual void put_with(Draft draft, std::string key, std::vector<Part> parts, With with,
                        Done done) = 0;
  // A change without a message; changes and puts of the same moment share one commit, so many of
  // them cost little. As put(), for the owner only; Stored::key is empty.
  virtual void change_soon(With with, Done done) = 0;

  // The following calls wait for the disk, and at most two seconds for a lock.
  virtual Outcome<void> read(const std::function<Outcome<void>(Database&)>& use) = 0;
  virtual Outcome<void> change(const std::function<Outcome<void>(Change&)>& use) = 0;
  virtual Outcome<MessageFile> open_message(const std::string& key) const = 0;
  virtual bool has_message(const std::string& key) const = 0;

  // Compares index and files as they are, and changes nothing. `contents`: reads every file.
  virtual Outcome<Findings> verify(bool contents) = 0;
  virtual Outcome<Usage> usage() = 0;
  virtual Health health() const = 0;

 protected:
  Store() = default;
};

}  // namespace sekisho::spool
