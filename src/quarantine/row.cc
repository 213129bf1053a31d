#include "quarantine/row.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "quarantine/tables.h"
#include "spool/columns.h"

namespace sekisho::quarantine {

Outcome<Found> find(Database& database, std::string_view id) {
  if (!is_id(id)) return failed(Failure::Kind::refused, "not the id of a decision");
  std::optional<Found> found;
  auto read = database.query("SELECT " SEKISHO_HELD_COLUMNS
                             ", number, token, process FROM held"
                             " WHERE id = ?1 OR id = (SELECT same_as FROM repeats WHERE id = ?1)",
                             {id}, [&](const Row& row) {
                               found.emplace();
                               read_row(row, found->held);
                               found->number = row.integer(20);
                               found->token = row.text(21);
                               found->process = static_cast<pid_t>(row.integer(22));
                               return true;
                             });
  if (!read) return failed(read.error());
  if (!found) return failed(Failure::Kind::not_found, "nothing is held under that id");
  return std::move(*found);
}

Outcome<void> set_state(Database& database, const Found& row, State state, std::string_view remark,
                        WallTime now) {
  auto changed = database.run(
      "UPDATE held SET state = ?2, changed = ?3, remark = ?4, token = '', process = 0"
      " WHERE number = ?1",
      {row.number, to_string(state), seconds(now), remark});
  if (!changed) return failed(changed.error());
  return {};
}

Outcome<void> is_here(const HeldRow& held) {
  if (held.state == State::held || held.state == State::released) return {};
  return failed(Failure::Kind::not_found, "it is " + std::string(to_string(held.state)) +
                                              " since " + to_iso8601(held.changed));
}

// The process number is only a hint for a person. Without one, the index was rebuilt during the
// release.
Failure under_way(const Found& row) {
  if (row.process == 0) return {Failure::Kind::refused, "another process is releasing it"};
  return {Failure::Kind::refused, "process " + std::to_string(row.process) +
                                      " is releasing it, since " + to_iso8601(row.held.changed)};
}

std::vector<std::string> still_waiting(const HeldRow& held) {
  std::vector<std::string> waiting;
  for (const auto& recipient : held.recipients) {
    if (std::find(held.delivered_to.begin(), held.delivered_to.end(), recipient) ==
        held.delivered_to.end()) {
      waiting.push_back(recipient);
    }
  }
  return waiting;
}

Outcome<void> let_go(Change& change, const std::string& id) {
  auto& database = change.database();
  if (auto there = add_missing_columns(database); !there) return there;
  auto gone = database.run("UPDATE held SET let_go = 1 WHERE id = ?1", {id});
  if (!gone) return failed(gone.error());
  change.drop(id);
  return {};
}

// An index from an older version lacks this column until its daemon is restarted.
Outcome<bool> is_let_go(Database& database, std::string_view id) {
  auto known = spool::has_column(database, "held", "let_go");
  if (!known || !*known) return known;
  bool gone = false;
  auto read = database.query("SELECT let_go FROM held WHERE id = ?1", {id}, [&](const Row& row) {
    gone = row.integer(0) != 0;
    return true;
  });
  if (!read) return failed(read.error());
  return gone;
}

}  // namespace sekisho::quarantine
