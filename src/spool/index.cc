#include "spool/index.h"

#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

namespace sekisho::spool {

namespace {

// Raised when the tables change so that an older program would damage them.
constexpr std::int64_t version = 1;

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

// A connection is kept for its next user; more than these at once are rare.
constexpr std::size_t idle_connections = 8;

// Whoever uses a connection gives it back within the two seconds of a lock and what a large answer
// takes.
constexpr std::chrono::seconds longest_use{30};

Outcome<std::int64_t> version_of(Database& database) {
  std::int64_t found = 0;
  auto read = database.query("PRAGMA user_version", {}, [&](const Row& row) {
    found = row.integer(0);
    return true;
  });
  if (!read) return failed(read.error());
  if (found > version)
    return failed(Failure::Kind::refused, "the index was made by a newer version of this program");
  return found;
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
  if (auto known = version_of(*database); !known) return failed(known.error());
  return Connection{std::move(*database), current_file(), generation};
}

Outcome<void> Index::create() {
  if (current_file() == 0) {
    for (const char* end : {"-wal", "-shm"}) ::unlink((path_ + end).c_str());
  }
  auto connection = open(Database::Open::create, pool_.with([](auto& p) { return p.generation; }));
  if (!connection) return failed(connection.error());
  Database& database = connection->database;
  auto made = database.transaction([&]() -> Outcome<void> {
    if (auto done = database.script(schema); !done) return done;
    return tables_->create(database);
  });
  if (!made) return made;
  pool_.with([](Pool& pool) { ++pool.in_use; });
  give_back(std::move(*connection));
  return {};
}

Outcome<Index::Connection> Index::take() {
  // SQLite goes by the path, and the files by the folder: a message in one and its row in the other
  // would be lost.
  if (!folder_->is_in_place()) {
    return failed(Failure::Kind::io,
                  folder_->path() +
                      " is not the folder that it was: it was moved, or something is mounted over "
                      "it; put it back, or restart sekishod");
  }
  // SQLite would go on with what its log still has, until the first page that it has not.
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

// Without memory to keep it, it is closed.
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

// Those in use are closed when they are given back.
void Index::close_connections() {
  const auto old = pool_.with([](Pool& pool) {
    ++pool.generation;
    return std::exchange(pool.idle, {});
  });
}

void Index::works_again() {
  const auto old = pool_.with([](Pool& pool) { return std::exchange(pool.failed, {}); });
}

// The log before the database: a log that stays behind alone would be read as that of the next
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

Outcome<Tables::Placed> Index::place(Database& database, const Entry& entry,
                                     std::uint64_t file_octets,
                                     const Tables::HasFile& has_file) const {
  auto placed = tables_->place(database, entry, has_file);
  if (!placed || placed->placing != Tables::Placing::inserted) return placed;
  auto added = database.run("INSERT OR IGNORE INTO files (key, octets) VALUES (?1, ?2)",
                            {entry.key, static_cast<std::int64_t>(file_octets)});
  if (!added) return failed(added.error());
  return placed;
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

Outcome<void> Change::drop(const std::string& key) {
  auto gone = database_.run("DELETE FROM files WHERE key = ?1", {key});
  if (!gone) return failed(gone.error());
  dropped_.push_back(key);
  return {};
}

}  // namespace sekisho::spool
