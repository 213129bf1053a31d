// spool/store.h: messages kept for good: the one place that promises durability. When a put's
// callback says so, the message is on the disk: its file written and fsynced, renamed, its folder
// fsynced, its row committed (SQLite, WAL, synchronous FULL), in this order. Puts of the same
// moment share one fsync of the folder and one commit. A put that fails leaves nothing behind. The
// store recovers by itself: it tries with a file of its own, once a second. Several processes may
// have the same store open: one owner (the daemon), and guests.
// Errors: Failure. Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spool/database.h"
#include "spool/failure.h"
#include "spool/message_file.h"
#include "spool/options.h"

namespace sekisho::spool {

// The owner puts, and mends what a crash has left; there is one at a time. A guest reads, changes
// and removes.
enum class Access { owner, guest };

// One message file as its row sees it. `record` is what the owner of the store wrote; it holds all
// that the row needs.
struct Entry {
  std::string key;
  std::string record;
  std::uint64_t size = 0;  // octets of the message
};

// Where a message went: under its own key, or it is the same as an earlier one, which is kept.
struct Stored {
  std::string key;
  bool repeated = false;
};

// The tables of whoever uses the store, in the store's database. Thread: any; several connections.
class Tables {
 public:
  virtual ~Tables() = default;
  // Makes the tables, or brings them up to date. Within a transaction.
  virtual Outcome<void> create(Database& database) const = 0;

  enum class Placing {
    inserted,   // the file is this row's
    repeated,   // the message is the same as `same_as`: the file is not needed
    abandoned,  // only when indexing again: the row says that the file is to go
  };
  struct Placed {
    Placing placing = Placing::inserted;
    std::string same_as;
  };
  // The row of one message, when it is put and when the index is made again from the files; within
  // a transaction. A row that is there already is `inserted`. `has_file` says of any key whether
  // its file is there.
  using HasFile = std::function<bool(const std::string& key)>;
  virtual Outcome<Placed> place(Database& database, const Entry& entry,
                                const HasFile& has_file) const = 0;
};

struct Health {
  bool healthy = true;
  std::string why;  // the last failure, when not healthy
};

struct Usage {
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;  // of the message files, records included
};

// What a comparison of index and files has found.
struct Findings {
  std::uint64_t messages = 0;             // compared
  std::vector<std::string> without_file;  // rows whose file is missing
  std::vector<std::string> without_row;   // files that no row knows
  std::vector<std::string> damaged;       // files that are not what was written
  bool clean() const { return without_file.empty() && without_row.empty() && damaged.empty(); }
};

// One change of the index by the owner of the tables, all or nothing.
class Change {
 public:
  explicit Change(Database& connection) : database_(connection) {}
  Database& database() { return database_; }
  // The message is not needed any more: its file is removed after the commit.
  Outcome<void> drop(const std::string& key);
  const std::vector<std::string>& dropped() const { return dropped_; }

 private:
  Database& database_;
  std::vector<std::string> dropped_;
};

class Store {
 public:
  // Told once for each thing that an admin must know: a missing file, an index that was made again.
  // From any thread.
  using Alarm = std::function<void(const std::string& sentence)>;

  // An owner compares index and files first, and indexes again what a crash has left; it is refused
  // while another process is the owner. A guest is refused when there is no store.
  static Outcome<std::unique_ptr<Store>> open(const Options& options, Access access,
                                              std::shared_ptr<const Tables> tables, Alarm alarm);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;  // waits for the puts under way

  // A message to be filled; may outlive the store.
  virtual Draft draft() const = 0;
  // Never blocks. `done` is called exactly once, from a thread of the store's, which it must not
  // hold up.
  using Done = std::function<void(Outcome<Stored>)>;
  virtual void put(Draft draft, std::string key, std::string record, Done done) = 0;

  // These wait for the disk, and for a lock two seconds at most.
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
