// quarantine/tables.h: the rows of held messages: how they are made, read and written again from a
// message file.
// Errors: Failure. Thread: any; immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quarantine/held.h"
#include "spool/database.h"
#include "spool/store.h"

namespace sekisho::quarantine {

// What the message file says of its message; all that its row needs.
std::string record_of(const HeldRow& held, const Detail& detail);
// Nothing when it is not such a record. State, size and what comes after them are not in it.
std::optional<HeldMessage> read_record(std::string_view octets);

class Tables final : public spool::Tables {
 public:
  spool::Outcome<void> create(spool::Database& database) const override;
  spool::Outcome<Placed> place(spool::Database& database, const spool::Entry& entry,
                               const HasFile& has_file) const override;
};

// What has become of the token of a release. `over`: the release failed, or another one has taken
// its place; then the store still has the message, or that other one has let it go. Or the message
// was deleted, or has expired. `ended`: the MTA has it, and no filter has seen the token. `queued`:
// the same, but the filter is still to see it.
enum class TokenUse : std::int64_t { open = 0, passed = 1, over = 2, ended = 3, queued = 4 };
// The message of a release that broke off may still be on its way: it does not pass any more.
spool::Outcome<void> end_releases(spool::Database& database, std::string_view id);

// What a person did with the message of that id; nothing is written when nobody is named. Within a
// transaction. An index of before has no place for it yet: it is made.
spool::Outcome<void> add_act(spool::Database& database, std::string_view id, WallTime now,
                             std::string_view who, std::string_view what);
spool::Outcome<std::vector<Act>> acts_of(spool::Database& database, std::string_view id);
// Forgets them where the row is gone.
spool::Outcome<void> forget_acts(spool::Database& database);

// Recipients as one column: one a line; none can hold a line end.
std::string join(const std::vector<std::string>& lines);

std::int64_t seconds(WallTime time);
WallTime time_of(std::int64_t seconds);

// The columns of a HeldRow, in the order that read_row() takes them. It sets all that they tell, and
// uses the strings again.
#define SEKISHO_HELD_COLUMNS                                                                       \
  "id, queue_id, time, mail_from, recipients, author, subject, message_id, client, rule, reason, " \
  "header_hash, body_hash, size, state, changed, delivered_to, remark, repeats, last_repeat"
void read_row(const spool::Row& row, HeldRow& held);

}  // namespace sekisho::quarantine
