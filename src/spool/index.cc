#include "spool/index.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

namespace sekisho::spool {

namespace {

// The version of an index with only the first tables, and of one with others: a program that knows
// only the first would remove files that another table needs.
constexpr std::int64_t version_alone = 1;
constexpr std::int64_t version_of_several = 2;

constexpr Sql schema =
    "CREATE TABLE IF NOT EXISTS files ("
    "  key TEXT PRIMARY KEY, octets INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS usage ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), messages INTEGER NOT NULL, octets INTEGER NOT "
    "NULL);"
    "INSERT OR IGNORE INTO usage VALUES (1, 0, 0);"
    // Changed to see whether the index can be written: SQLite writes nothing when a row stays what
    // it is.
    "CREATE TABLE IF NOT EXISTS tries (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT "
    "NULL);"
    "INSERT OR IGNORE INTO tries VALUES (1, 0);"
    "CREATE TRIGGER IF NOT EXISTS file_added AFTER INSERT ON files BEGIN"
    "  UPDATE usage SET messages = messages + 1, octets = octets + NEW.octets; END;"
    "CREATE TRIGGER IF NOT EXISTS file_gone AFTER DELETE ON files BEGIN"
    "  UPDATE usage SET messages = messages - 1, octets = octets - OLD.octets; END;"
    "PRAGMA user_version = 1;";
constexpr Sql schema_of_several = "PRAGMA user_version = 2;";

// A connection is kept for its next user; more than these at once are rare.
constexpr std::size_t idle_connections = 8;

// A user returns a connection after at most two seconds for a lock and the time of a large answer.
constexpr std::chrono::seconds longest_use{30};

Outcome<void> check_version(Database& database, std::int64_t known) {
  std::int64_t found = 0;
  auto read = database.query("PRAGMA user_version", {}, [&](const Row& row) {
    found = row.integer(0);
    return true;
  });
  if (read && found > known)
    return failed(Failure::Kind::refused, "the index was made by a newer version of this program");
  return read;
}

}  // namespace

ino_t Index::current_file() const {
  struct stat status {};
  return ::lstat(path_.c_str(), &status) == 0 ? status.st_ino : 0;
}

bool Index::is_emptied() const {
  struct stat status {};
  return ::lstat(path_.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
}

Outcome<Index::Connection> Index::open(Database::Open how, unsigned generation) const {
  auto database = Database::open(path_, how);
  if (!database) return failed(database.error());
  const auto known = tables_.size() > 1 ? version_of_several : version_alone;
  if (auto checked = check_version(*database, known); !checked) return failed(checked.error());
  return Connection{std::move(*database), current_file(), generation};
}

Outcome<void> Index::create() {
  if (current_file() == 0) {
    for (const char* end : {"-wal", "-shm"}) ::unlink((path_ + end).c_str());
  }
  auto connection = open(Database::Open::create, pool_.with([](auto& p) { return p.generation; }));
  if (!connection) return failed(connection.error());
  Database& database = connection->database;
  if (auto made = database.transaction([&] { return make_tables(database); }); !made) return made;
  pool_.with([](Pool& pool) { ++pool.in_use; });
  give_back(std::move(*connection));
  return {};
}

Outcome<void> Index::make_tables(Database& database) const {
  auto made = database.script(schema);
  if (made && tables_.size() > 1) made = database.script(schema_of_several);
  for (const auto& tables : tables_) {
    if (made) made = tables->create(database);
  }
  return made;
}

Outcome<Index::Connection> Index::take() {
  // SQLite uses the path, and message files the folder's descriptor: if these differ, a message and
  // its row would be in different places and lost.
  if (!folder_->is_in_place()) {
    return failed(Failure::Kind::io,
                  folder_->path() +
                      " is not the folder that it was: it was moved, or something is mounted over "
                      "it; put it back, or restart sekishod");
  }
  // SQLite would go on with the pages in its WAL, up to the first one that is not in it.
  if (is_emptied()) return failed(Failure::Kind::damaged, "the index is empty: " + path_);
  const ino_t file = current_file();
  struct Taken {
    std::optional<Connection> connection;
    std::vector<Connection> old;  // closed without the lock
    unsigned generation = 0;
    bool closed = false;
  };
  auto taken = pool_.with([&](Pool& pool) {
    Taken result;
    result.generation = pool.generation;
    result.closed = pool.closed;
    if (pool.closed) return result;
    while (!pool.idle.empty() && !result.connection) {
      if (pool.idle.back().file == file) {
        result.connection = std::move(pool.idle.back());
      } else {
        result.old.push_back(std::move(pool.idle.back()));
      }
      pool.idle.pop_back();
    }
    ++pool.in_use;
    return result;
  });
  if (taken.closed)
    return failed(Failure::Kind::unavailable, "the index is being made again from the files");
  if (taken.connection) return std::move(*taken.connection);
  Outcome<Connection> opened = failed(Failure::Kind::io, "no memory");
  try {
    opened = open(Database::Open::existing, taken.generation);
  } catch (const std::exception& error) {
    opened = failed(failure_of(error));
  }
  if (!opened) {
    pool_.with([](Pool& pool) { --pool.in_use; });
    pool_.notify_all();
    if (opened.error().kind == Failure::Kind::not_found)
      opened = failed(Failure::Kind::damaged, "the index is gone: there is no " + path_);
  }
  return opened;
}

// If there is no memory to keep it, it is closed.
void Index::give_back(Connection connection, bool not_synced) noexcept {
  const auto unwanted = pool_.with([&](Pool& pool) -> std::optional<Connection> {
    --pool.in_use;
    const bool old =
        connection.generation != pool.generation || pool.idle.size() >= idle_connections;
    if (old && !not_synced) return std::move(connection);
    auto& where = not_synced ? pool.failed : pool.idle;
    const bool kept = contained([&] { where.push_back(std::move(connection)); });
    return kept ? std::nullopt : std::optional<Connection>(std::move(connection));
  });
  pool_.notify_all();
}

Outcome<void> Index::with(const std::function<Outcome<void>(Database&)>& use) {
  auto connection = take();
  if (!connection) return failed(connection.error());
  Outcome<void> result;
  try {
    result = use(connection->database);
  } catch (const std::exception& error) {
    result = failed(failure_of(error));
  }
  const bool not_synced = !result && result.error().kind == Failure::Kind::not_synced;
  if (not_synced || (!result && result.error().kind == Failure::Kind::damaged)) close_connections();
  give_back(std::move(*connection), not_synced);
  return result;
}

// Connections in use are closed when they are returned.
void Index::close_connections() {
  const auto old = pool_.with([](Pool& pool) {
    ++pool.generation;
    return std::exchange(pool.idle, {});
  });
}

void Index::works_again() {
  const auto old = pool_.with([](Pool& pool) { return std::exchange(pool.failed, {}); });
}

// The WAL is moved before the database: a WAL that stays behind would be read as that of the next
// database.
Outcome<bool> Index::move_to(const std::string& aside) const {
  bool moved = false;  // the last of them, the database
  for (const char* end : {"-wal", "-shm", ""}) {
    moved = std::rename((path_ + end).c_str(), (aside + end).c_str()) == 0;
    if (!moved && errno != ENOENT)
      return failed(failure_of_errno(errno, "move the damaged index aside"));
  }
  return moved;
}

Outcome<std::string> Index::set_aside() {
  close_connections();
  works_again();
  const std::string aside = path_ + ".damaged-" + to_iso8601(wall_now());
  pool_.with([](Pool& pool) { pool.closed = true; });
  const bool alone = pool_.wait_until(
      steady_now() + longest_use, [](const Pool& pool) { return pool.in_use == 0; },
      [](Pool&, bool ready) { return ready; });
  Outcome<bool> moved = failed(Failure::Kind::locked, "in use");
  try {
    moved =
        alone ? move_to(aside) : failed(Failure::Kind::locked, "the damaged index is still in use");
  } catch (const std::exception& error) {
    moved = failed(failure_of(error));
  }
  pool_.with([](Pool& pool) { pool.closed = false; });
  if (!moved) return failed(moved.error());
  if (auto made = create(); !made) return failed(made.error());
  return *moved ? aside : std::string();
}

const Tables* Index::find_tables(std::string_view name) const {
  const auto found = std::find_if(tables_.begin(), tables_.end(),
                                  [&](const auto& tables) { return tables->name() == name; });
  return found == tables_.end() ? nullptr : found->get();
}

Outcome<void> Index::place_part(Database& database, const Entry& entry, const std::string& tables,
                                const Tables::HasFile& has_file, Place& place) const {
  const auto* whose = find_tables(tables);
  if (whose == nullptr) {
    return failed(Failure::Kind::refused, "the record of " + std::string(entry.key) +
                                              " has a part of unknown tables: " + tables);
  }
  auto placed = whose->place(database, entry, has_file);
  if (!placed) return failed(placed.error());
  switch (placed->placing) {
    case Tables::Placing::inserted:
      place.wanted = true;
      return {};
    case Tables::Placing::repeated:
      if (entry.shared)
        return failed(Failure::Kind::refused,
                      std::string(entry.key) + " is shared: it repeats nothing");
      place.same_as = std::move(placed->same_as);
      break;
    case Tables::Placing::abandoned:
      break;
  }
  place.whole = false;
  return {};
}

Outcome<Index::Place> Index::place(Database& database, const Filed& message,
                                   std::uint64_t file_octets, const Tables::HasFile& has_file,
                                   bool again) const {
  const auto parts = read_parts(message.record, first_name());
  if (!parts) return failed(Failure::Kind::refused, parts.error().why);
  Place place;
  for (const auto& part : *parts) {
    const Entry entry{message.key, part.record, message.size, parts->size() > 1, again};
    if (auto placed = place_part(database, entry, part.tables, has_file, place); !placed)
      return failed(placed.error());
  }
  if (!place.wanted) return place;
  auto added = database.run("INSERT OR IGNORE INTO files (key, octets) VALUES (?1, ?2)",
                            {message.key, static_cast<std::int64_t>(file_octets)});
  if (!added) return failed(added.error());
  return place;
}

Outcome<bool> Index::is_wanted(Database& database, const std::string& key) const {
  for (const auto& tables : tables_) {
    auto wants = tables->wants(database, key);
    if (!wants || *wants) return wants;
  }
  return false;
}

Outcome<std::vector<std::string>> Index::drop_unwanted(Database& database,
                                                       const std::vector<std::string>& keys) const {
  std::vector<std::string> gone;
  for (const auto& key : keys) {
    const auto wanted = is_wanted(database, key);
    if (!wanted) return failed(wanted.error());
    if (*wanted) continue;
    if (auto row = database.run("DELETE FROM files WHERE key = ?1", {key}); !row)
      return failed(row.error());
    gone.push_back(key);
  }
  return gone;
}

Outcome<Usage> Index::usage(Database& database) {
  Usage usage;
  auto read = database.query("SELECT messages, octets FROM usage", {}, [&](const Row& row) {
    usage.messages = static_cast<std::uint64_t>(row.integer(0));
    usage.octets = static_cast<std::uint64_t>(row.integer(1));
    return true;
  });
  if (!read) return failed(read.error());
  return usage;
}

Outcome<std::vector<std::string>> Index::keys(Database& database) {
  std::vector<std::string> keys;
  auto read = database.query("SELECT key FROM files ORDER BY key", {}, [&](const Row& row) {
    keys.emplace_back(row.text(0));
    return true;
  });
  if (!read) return failed(read.error());
  return keys;
}

}  // namespace sekisho::spool
