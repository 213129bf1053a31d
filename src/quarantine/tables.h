// quarantine/tables.h: the rows of held messages: created, read, and restored from a message file.
// Errors: Failure. Thread: any; immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quarantine/held.h"
#include "spool/database.h"
#include "spool/store.h"

namespace sekisho::quarantine {

// The record for the message file, with all that its row needs.
std::string record_of(const HeldRow& held, const Detail& detail);
// nullopt if it is not such a record. State, size and later members are not in it.
std::optional<HeldMessage> read_record(std::string_view octets);

// The name of quarantine's part in a message file.
inline constexpr std::string_view tables_name = "held";

class Tables final : public spool::Tables {
 public:
  std::string_view name() const override { return tables_name; }
  spool::Outcome<void> create(spool::Database& database) const override;
  spool::Outcome<Placed> place(spool::Database& database, const spool::Entry& entry,
                               const HasFile& has_file) const override;
  spool::Outcome<bool> wants(spool::Database& database, const std::string& key) const override;
};

// Adds the columns that an index from an older version lacks. A command may meet one before its
// daemon has been restarted.
spool::Outcome<void> add_missing_columns(spool::Database& database);

// Recipients are one column, one a line: none may have a line end.
bool has_line_end(const std::vector<std::string>& lines);
std::string join(const std::vector<std::string>& lines);

std::int64_t seconds(WallTime time);
WallTime time_of(std::int64_t seconds);

// The columns of a HeldRow, in the order that read_row() takes them. It sets all their members, and
// reuses the strings.
#define SEKISHO_HELD_COLUMNS                                                                       \
  "id, queue_id, time, mail_from, recipients, author, subject, message_id, client, rule, reason, " \
  "header_hash, body_hash, size, state, changed, delivered_to, remark, repeats, last_repeat"
void read_row(const spool::Row& row, HeldRow& held);

// `limit`: with so many octets more, what is held would be more than `most`; 0: no limit. Of a
// store that is shared, messages that wait elsewhere do not count.
spool::Outcome<void> has_room(spool::Database& database, std::uint64_t octets, std::uint64_t most);

}  // namespace sekisho::quarantine
