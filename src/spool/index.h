// spool/index.h: the SQLite index of a store: which message files there must be, how large they are
// together, and the tables of the users of the store. A damaged database is renamed, never deleted;
// the message files have all of its information.
// Errors: Failure.
// Thread: any, internally locked; a connection has one user at a time, and none is held under the
// lock.
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
  // The index is in the folder of its messages.
  Index(std::shared_ptr<const Folder> folder, AllTables tables)
      : folder_(std::move(folder)),
        path_(folder_->path() + "/index.db"),
        tables_(std::move(tables)) {}

  // Creates the database and its tables if they do not exist.
  Outcome<void> create();
  // Runs `use` with exclusive use of a connection.
  Outcome<void> with(const std::function<Outcome<void>(Database&)>& use);
  // To be called when a write and fsync succeeded after a connection's fsync had failed.
  void works_again();
  // Waits until no connection is in use, renames the database and creates an empty one. Returns the
  // new name of the old one; empty if there was none.
  Outcome<std::string> set_aside();

  // Whether the name is that of tables of this store.
  bool has_tables(std::string_view name) const { return find_tables(name) != nullptr; }
  std::string_view first_name() const { return tables_.front()->name(); }

  // The state of one message in the tables that have a part in it.
  struct Place {
    bool wanted = false;  // a row wants the file
    bool whole = true;    // all other rows want it too
    std::string same_as;  // a repetition of that message; the file is not needed
  };
  // The rows of one message and of its file, within a transaction of `database`.
  Outcome<Place> place(Database& database, const Filed& message, std::uint64_t file_octets,
                       const Tables::HasFile& has_file, bool again = false) const;
  // The dropped keys that no table wants: for the index, they no longer have a file. Within the
  // transaction of the change.
  Outcome<std::vector<std::string>> drop_unwanted(Database& database,
                                                  const std::vector<std::string>& keys) const;
  static Outcome<Usage> usage(Database& database);
  // All keys whose file must exist, sorted.
  static Outcome<std::vector<std::string>> keys(Database& database);

 private:
  struct Connection {
    Database database;
    ino_t file = 0;  // the inode of the path when it was opened
    unsigned generation = 0;
  };
  struct Pool {
    std::vector<Connection> idle;
    // Connections whose fsync failed. They stay open, unused, until a later write succeeds: closing
    // the last one would make SQLite replay the failed transaction from the WAL.
    std::vector<Connection> failed;
    unsigned in_use = 0;
    unsigned generation = 0;
    bool closed = false;  // while the database is being renamed
  };

  Outcome<Connection> open(Database::Open how, unsigned generation) const;
  const Tables* find_tables(std::string_view name) const;
  Outcome<void> make_tables(Database& database) const;
  Outcome<void> place_part(Database& database, const Entry& entry, const std::string& tables,
                           const Tables::HasFile& has_file, Place& place) const;
  Outcome<bool> is_wanted(Database& database, const std::string& key) const;
  Outcome<Connection> take();
  void give_back(Connection connection, bool not_synced = false) noexcept;
  void close_connections();
  // The inode of the path; 0 if there is no file.
  ino_t current_file() const;
  bool is_emptied() const;
  Outcome<bool> move_to(const std::string& aside) const;

  std::shared_ptr<const Folder> folder_;
  std::string path_;
  AllTables tables_;
  Guarded<Pool> pool_;
};

}  // namespace sekisho::spool
