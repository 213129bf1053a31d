// history/schema.h: the tables of the history. One row per decision with the columns that people
// search, its record (of `octets`) beside it, the dictionaries of the records (0: none), and the
// configurations.
// Thread: immutable.
#pragma once

#include <string>

namespace sekisho::history {

inline std::string database_path(const std::string& dir) { return dir + "/history.db"; }

// auto_vacuum is fixed by the VACUUM that makes the file anew, so it stands before the tables.
inline constexpr char make_file[] = "PRAGMA auto_vacuum = INCREMENTAL; VACUUM;";

inline constexpr char make_tables[] = R"(
CREATE TABLE IF NOT EXISTS decisions (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  time INTEGER NOT NULL,
  client TEXT NOT NULL,
  client_name TEXT NOT NULL,
  mail_from TEXT NOT NULL,
  recipients TEXT NOT NULL,
  author TEXT NOT NULL,
  subject TEXT NOT NULL,
  action TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  configuration TEXT NOT NULL,
  refused TEXT NOT NULL DEFAULT '',
  octets INTEGER NOT NULL DEFAULT 2048,
  monitored TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS decisions_id ON decisions(id);
CREATE INDEX IF NOT EXISTS decisions_queue_id ON decisions(queue_id) WHERE queue_id <> '';
CREATE INDEX IF NOT EXISTS decisions_time ON decisions(time);
CREATE TABLE IF NOT EXISTS records (
  number INTEGER PRIMARY KEY,
  record BLOB NOT NULL,
  dictionary INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS dictionaries (number INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS configurations (
  digest TEXT PRIMARY KEY,
  time INTEGER NOT NULL,
  text TEXT NOT NULL,
  places TEXT NOT NULL);
)";

// Made after the columns that it needs. Refused mail is counted and found by it, oldest first.
inline constexpr char make_refused_index[] =
    "CREATE INDEX IF NOT EXISTS decisions_refused ON decisions(number, octets)"
    " WHERE action IN ('reject', 'tempfail');";

}  // namespace sekisho::history
