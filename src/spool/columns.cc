#include "spool/columns.h"

namespace sekisho::spool {

Outcome<bool> has_column(Database& database, std::string_view table, std::string_view column) {
  bool found = false;
  auto looked = database.query("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2",
                               {table, column}, [&](const Row&) { return found = true; });
  if (!looked) return failed(looked.error());
  return found;
}

Outcome<void> add_column(Database& database, std::string_view table, std::string_view column,
                         Sql add) {
  const auto found = has_column(database, table, column);
  if (!found) return failed(found.error());
  return *found ? Outcome<void>{} : database.script(add);
}

}  // namespace sekisho::spool
