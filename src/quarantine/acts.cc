#include "quarantine/acts.h"

#include "quarantine/row.h"
#include "quarantine/tables.h"

namespace sekisho::quarantine {

namespace {

constexpr spool::Sql acts_schema =
    "CREATE TABLE IF NOT EXISTS acts ("
    "  id TEXT NOT NULL, time INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS acts_by_id ON acts (id);";

Outcome<bool> has_acts(Database& database) {
  bool there = false;
  auto looked = database.query("SELECT 1 FROM sqlite_master WHERE name = 'acts'", {},
                               [&](const Row&) { return there = true; });
  if (!looked) return failed(looked.error());
  return there;
}

}  // namespace

Outcome<void> make_acts(Database& database) { return database.script(acts_schema); }

Outcome<void> add_act(Database& database, std::string_view id, WallTime now, std::string_view who,
                      std::string_view what) {
  if (who.empty()) return {};
  if (auto made = make_acts(database); !made) return made;
  auto added = database.run("INSERT INTO acts (id, time, who, what) VALUES (?1, ?2, ?3, ?4)",
                            {id, seconds(now), who, what});
  if (!added) return failed(added.error());
  return {};
}

Outcome<std::vector<Act>> acts_of(Database& database, std::string_view id) {
  std::vector<Act> acts;
  const auto there = has_acts(database);
  if (!there) return failed(there.error());
  if (!*there) return acts;
  auto read = database.query(
      "SELECT time, who, what FROM acts WHERE id = ?1 ORDER BY rowid", {id}, [&](const Row& row) {
        acts.push_back(
            {time_of(row.integer(0)), std::string(row.text(1)), std::string(row.text(2))});
        return true;
      });
  if (!read) return failed(read.error());
  return acts;
}

Outcome<void> forget_acts(Database& database) {
  const auto there = has_acts(database);
  if (!there) return failed(there.error());
  if (!*there) return {};
  auto gone = database.run("DELETE FROM acts WHERE id NOT IN (SELECT id FROM held)", {});
  if (!gone) return failed(gone.error());
  return {};
}

}  // namespace sekisho::quarantine
