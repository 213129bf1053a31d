// spool/index.h: the SQLite index of a store: which message files there must be, how large they are
// together, and the tables of whoever uses the store. A damaged database is moved aside, never
// deleted; the files tell all that it knew.
// Errors: Failure. Thread: any, internally locked; a connection has one user at a time, and none is
// held under the lock.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/guarded.h"
#include "spool/database.h"
#include "spool/folder.h"
#include "spool/store.h"

namespace sekisho::spool {

class Index {
 public:
  // In the folder whose messages it names.
  Index(std::shared_ptr<const Folder> folder, std::shared_ptr<const Tables> tables)
      : folder_(std::move(folder)),
        path_(folder_->path() + "/index.db"),
        tables_(std::move(tables)) {}

  // Makes the database and its tables when there are none.
  Outcome<void> create();
  // Runs `use` on a connection that nobody else uses meanwhile.
  Outcome<void> with(const std::function<Outcome<void>(Database&)>& use);
  // Something has been written and fsynced since a connection's fsync failed.
  void works_again();
  // Waits until no connection is in use, moves the database aside and makes an empty one; the name
  // of the old one, empty when there was none.
  Outcome<std::string> set_aside();

  // The row of one message and its file, within a transaction of `database`.
  Outcome<Tables::Placed> place(Database& database, const Entry& entry, std::uint64_t file_octets,
                                const Tables::HasFile& has_file) const;
  static Outcome<Usage> usage(Database& database);
  // All keys whose file must be there, sorted.
  static Outcome<std::vector<std::string>> keys(Database& database);

 private:
  struct Connection {
    Database database;
    ino_t file = 0;  // what the path named when it was opened
    unsigned generation = 0;
  };
  struct Pool {
    std::vector<Connection> idle;
    // Whose fsync has failed: not used again, and kept until something has been written after it.
    // SQLite forgets with the last connection how far the log is good, and would find the
    // transaction that failed in it.
    std::vector<Connection> failed;
    unsigned in_use = 0;
    unsigned generation = 0;
    bool closed = false;  // while the database is moved aside
  };

  Outcome<Connection> open(Database::Open how, unsigned generation) const;
  Outcome<Connection> take();
  void give_back(Connection connection, bool not_synced = false) noexcept;
  void close_connections();
  // The inode behind the path; 0 when there is none.
  ino_t current_file() const;
  bool is_emptied() const;
  Outcome<bool> move_to(const std::string& aside) const;

  std::shared_ptr<const Folder> folder_;
  std::string path_;
  std::shared_ptr<const Tables> tables_;
  Guarded<Pool> pool_;
};

}  // namespace sekisho::spool
