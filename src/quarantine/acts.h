// quarantine/acts.h: what people did with held messages. An index from an older version lacks this
// table; it is created with the first row.
// Errors: Failure. Thread: the owner of the database.
#pragma once

#include <string_view>
#include <vector>

#include "quarantine/held.h"
#include "spool/database.h"

namespace sekisho::quarantine {

spool::Outcome<void> make_acts(spool::Database& database);
// Does nothing if no person is named. Within a transaction.
spool::Outcome<void> add_act(spool::Database& database, std::string_view id, WallTime now,
                             std::string_view who, std::string_view what);
spool::Outcome<std::vector<Act>> acts_of(spool::Database& database, std::string_view id);
// Removes those whose message row is gone.
spool::Outcome<void> forget_acts(spool::Database& database);

}  // namespace sekisho::quarantine
