// queue/tables.h: the rows of messages that wait: one for each message and one for each recipient
// that is not at its end. Created, read, changed, and made again from a message file.
//   queued      a message: its letter (queue/message.h)
//   queued_to   a recipient: its progress and its last attempt
//   queue_done  messages that are over; kept for as long as a crash could bring back their files
//   queue_news  messages that another process has changed, for the daemon
//   queue_life  which index this is, and what must outlive the daemon
// When the index was lost, the rows come back from the files. A message for one recipient waits
// again: its file would be gone if it were sent. Of several recipients some may have the message,
// and only the lost index knew who: they are held (lost_index) until a person decides.
// Errors: Failure. Thread: any; immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/message.h"
#include "spool/database.h"
#include "spool/store.h"

namespace sekisho::queue {

using spool::Change;
using spool::Database;
using spool::failed;
using spool::Failure;
using spool::Outcome;
using spool::Row;

inline constexpr std::string_view tables_name = "queued";

class Tables final : public spool::Tables {
 public:
  std::string_view name() const override { return tables_name; }
  Outcome<void> create(Database& database) const override;
  Outcome<Placed> place(Database& database, const spool::Entry& entry,
                        const HasFile& has_file) const override;
  Outcome<bool> wants(Database& database, const std::string& key) const override;
};

// Which index this is: 32 hex digits, new for each that was made.
Outcome<std::string> index_name(Database& database);

// The message with the recipients that are not at their end; `not_found` if there is none.
Outcome<Message> find(Database& database, std::string_view id);
// All of them, the oldest first, until `each` says false; letters without their `top`.
Outcome<void> each_message(Database& database, const std::function<bool(Message)>& each);

// All within a transaction.
Outcome<void> insert(Database& database, const Message& message);
Outcome<void> save(Database& database, const std::string& id, const Recipient& to);
// The letter of one that is queued.
Outcome<void> save_letter(Database& database, const Letter& letter);
// The recipient has reached its end. With the last one the message goes, and true is returned.
Outcome<bool> finish(Change& change, const std::string& id, std::uint32_t place);
// Adds recipients to a message that is queued, or was; their places are given here.
Outcome<void> add(Database& database, const Letter& letter, std::vector<Recipient> recipients);

// Tells the daemon that another process has changed the message.
Outcome<void> note_news(Database& database, const std::string& id);
Outcome<std::vector<std::string>> take_news(Database& database);

// The number of the latest message that is over; what is over up to a number is forgotten, but for
// `kept`, which get new numbers.
Outcome<std::int64_t> latest_done(Database& database);
Outcome<std::vector<std::string>> done_up_to(Database& database, std::int64_t number);
Outcome<void> forget_done(Database& database, std::int64_t up_to,
                          const std::vector<std::string>& kept);

// When the last summary was written.
Outcome<WallTime> last_summary(Database& database);
Outcome<void> note_summary(Database& database, WallTime time);

}  // namespace sekisho::queue
