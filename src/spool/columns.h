// spool/columns.h: adds columns that a database from an older version of this program lacks.
// Errors: Failure. Thread: the owner of the database.
#pragma once

#include <string_view>

#include "spool/database.h"

namespace sekisho::spool {

Outcome<bool> has_column(Database& database, std::string_view table, std::string_view column);

// Runs `add` (ALTER TABLE …) if the table lacks the column.
Outcome<void> add_column(Database& database, std::string_view table, std::string_view column,
                         Sql add);

}  // namespace sekisho::spool
