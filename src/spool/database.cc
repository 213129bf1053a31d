#include "spool/database.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::spool {

namespace {

// A command holds its lock for some milliseconds. A process that holds one longer than this is
// stuck, and a session must answer.
constexpr std::chrono::milliseconds default_patience{2000};

Failure::Kind kind_of(int extended_code) {
  if (extended_code == SQLITE_IOERR_FSYNC || extended_code == SQLITE_IOERR_DIR_FSYNC)
    return Failure::Kind::not_synced;
  if (extended_code == SQLITE_IOERR_CORRUPTFS) return Failure::Kind::damaged;
  switch (extended_code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Failure::Kind::locked;
    case SQLITE_FULL:
      return Failure::Kind::no_space;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Failure::Kind::read_only;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR:  // the statements are the program's own: a table of theirs is missing
    case SQLITE_SCHEMA:
      return Failure::Kind::damaged;
    case SQLITE_CONSTRAINT:
      return Failure::Kind::refused;
    default:
      return Failure::Kind::io;
  }
}

// The file is made by us and not by SQLite: with our mode, and not through a symbolic link.
Outcome<void> make_database_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (!fd) return failed(failure_of_errno(errno, "open " + path));
  struct stat folder {};
  const auto slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (::geteuid() == 0 && ::stat(parent.c_str(), &folder) == 0 &&
      ::fchown(fd.get(), folder.st_uid, folder.st_gid) != 0) {
    return failed(failure_of_errno(errno, "give " + path + " to the folder's owner"));
  }
  return {};
}

Outcome<void> check_database_file(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return failed(failure_of_errno(errno, "open " + path));
  if (!S_ISREG(status.st_mode))
    return failed(Failure::Kind::refused, path + " is not a regular file");
  return {};
}

// Resets a statement for its next use, and clears its parameters.
struct Reset {
  sqlite3_stmt* statement;
  ~Reset() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

int bind(sqlite3_stmt* statement, int index, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(statement, index, *number);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    // A null pointer would bind NULL, but an empty text is not NULL.
    return sqlite3_bind_text64(statement, index, text->empty() ? "" : text->data(), text->size(),
                               SQLITE_STATIC, SQLITE_UTF8);
  }
  return sqlite3_bind_null(statement, index);
}

}  // namespace

std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Row::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }

void Database::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Database::Database(Database&&) noexcept = default;

Database& Database::operator=(Database&& other) noexcept {
  // Statements are moved before their connection.
  statements_ = std::move(other.statements_);
  handle_ = std::move(other.handle_);
  return *this;
}

Database::~Database() = default;

Outcome<Database> Database::open(const std::string& path, Open how, Page page) {
  auto file = how == Open::create ? make_database_file(path) : Outcome<void>{};
  if (file) file = check_database_file(path);
  if (!file) return failed(file.error());
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (opened != SQLITE_OK) return failed(database.last_failure("open " + path));
  database.set_patience(default_patience);
  // Otherwise the last connection to close would fsync the WAL, on a descriptor that may have
  // reported an error. The WAL is emptied as it grows.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // Has an effect only on an empty file, and before WAL mode is set.
  auto mode = page == Page::large ? database.script("PRAGMA page_size = 8192") : Outcome<void>{};
  bool wal = false;
  if (mode) {
    mode = database.query("PRAGMA journal_mode = WAL", {}, [&](const Row& row) {
      wal = row.text(0) == "wal";
      return true;
    });
  }
  if (mode && !wal)
    mode = failed(Failure::Kind::io, path + ": this file system cannot hold SQLite's WAL");
  if (mode) {
    mode = database.script(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON;");
  }
  if (!mode) return failed(mode.error());
  return database;
}

Failure Database::last_failure(std::string_view doing) const {
  if (!handle_) return {Failure::Kind::io, "cannot " + std::string(doing) + ": no memory"};
  return {kind_of(sqlite3_extended_errcode(handle_.get())),
          "index: " + std::string(doing) + ": " + sqlite3_errmsg(handle_.get())};
}

Outcome<sqlite3_stmt*> Database::prepared(Sql sql, std::initializer_list<Value> values) {
  Statement& statement = statements_[sql.text()];
  if (!statement) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.text(), -1, SQLITE_PREPARE_PERSISTENT,
                                        &made, nullptr);
    statement.reset(made);
    if (code != SQLITE_OK) {
      const auto failure = last_failure("prepare");
      statements_.erase(sql.text());
      return failed(failure);
    }
  }
  int index = 0;
  for (const auto& value : values) {
    if (bind(statement.get(), ++index, value) != SQLITE_OK) return failed(last_failure("bind"));
  }
  return statement.get();
}

Outcome<std::int64_t> Database::run(Sql sql, std::initializer_list<Value> values) {
  const auto before = sqlite3_total_changes64(handle_.get());
  auto done = query(sql, values, [](const Row&) { return true; });
  if (!done) return failed(done.error());
  // If this statement changes nothing, sqlite3_changes() alone would return the number of an
  // earlier one.
  if (sqlite3_total_changes64(handle_.get()) == before) return 0;
  return sqlite3_changes64(handle_.get());
}

Outcome<void> Database::query(Sql sql, std::initializer_list<Value> values, const Each& each) {
  const auto statement = prepared(sql, values);
  if (!statement) return failed(statement.error());
  const Reset reset{*statement};
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(*statement)) == SQLITE_ROW) {
    if (!each(Row(*statement))) return {};
  }
  if (code != SQLITE_DONE) return failed(last_failure("run"));
  return {};
}

Outcome<void> Database::script(Sql sql) {
  if (sqlite3_exec(handle_.get(), sql.text(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(last_failure("run"));
  return {};
}

void Database::set_patience(std::chrono::milliseconds patience) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(patience.count()));
}

Outcome<void> Database::end_attempt(bool undo) {
  // After some errors SQLite has rolled back the whole transaction by itself.
  if (undo && sqlite3_get_autocommit(handle_.get()) != 0) return {};
  if (undo) {
    if (auto undone = run("ROLLBACK TO attempt"); !undone) return failed(undone.error());
  }
  if (auto released = run("RELEASE attempt"); !released) return failed(released.error());
  return {};
}

void Database::roll_back() noexcept {
  if (sqlite3_get_autocommit(handle_.get()) == 0) {
    sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace sekisho::spool
