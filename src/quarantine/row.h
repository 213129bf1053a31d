// quarantine/row.h: the row of one held message, for the operations that read and change it.
// Errors: Failure. Thread: the owner of the database; changes within a transaction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "quarantine/held.h"
#include "spool/store.h"

namespace sekisho::quarantine {

using spool::Change;
using spool::Database;
using spool::failed;
using spool::Failure;
using spool::Outcome;
using spool::Row;

struct Found {
  std::int64_t number = 0;
  HeldRow held;
  std::string token;  // of the release under way
  pid_t process = 0;  // process of that release; 0: not known
};

// The id may also be that of a repetition.
Outcome<Found> find(Database& database, std::string_view id);
// Success if the message still exists; otherwise why not.
Outcome<void> is_here(const HeldRow& held);
Outcome<void> set_state(Database& database, const Found& row, State state, std::string_view remark,
                        WallTime now);
// The recipients for whom it is held, and who do not have it yet.
std::vector<std::string> still_waiting(const HeldRow& held);
// Another process is releasing it.
Failure under_way(const Found& row);

// Ends the time in which a `deleted` message can be restored, even if its file remains because
// another table wants it.
Outcome<void> let_go(Change& change, const std::string& id);
Outcome<bool> is_let_go(Database& database, std::string_view id);

}  // namespace sekisho::quarantine
