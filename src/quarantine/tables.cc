#include "quarantine/tables.h"

#include <algorithm>
#include <charconv>

#include "quarantine/acts.h"
#include "quarantine/row.h"
#include "spool/columns.h"
#include "spool/index.h"
#include "spool/record.h"

namespace sekisho::quarantine {

using spool::Record;

namespace {

// Within this time a message with the same sender, recipients and content is a repetition.
constexpr std::int64_t again_seconds = 24 * 60 * 60;

constexpr std::string_view format = "1";

constexpr spool::Sql schema =
    "CREATE TABLE IF NOT EXISTS held ("
    "  number INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  queue_id TEXT NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  mail_from TEXT NOT NULL,"
    "  recipients TEXT NOT NULL,"
    "  author TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  message_id TEXT NOT NULL,"
    "  client TEXT NOT NULL,"
    "  rule TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  header_hash TEXT NOT NULL,"
    "  body_hash TEXT NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  state TEXT NOT NULL,"
    "  changed INTEGER NOT NULL,"
    "  delivered_to TEXT NOT NULL,"
    "  remark TEXT NOT NULL,"
    "  repeats INTEGER NOT NULL,"
    "  last_repeat INTEGER NOT NULL,"
    "  token TEXT NOT NULL,"       // of the release under way
    "  process INTEGER NOT NULL,"  // process of that release
    "  let_go INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX IF NOT EXISTS held_by_time ON held (time);"
    "CREATE INDEX IF NOT EXISTS held_by_body ON held (body_hash);"
    // A separate table, so that a list does not read it.
    "CREATE TABLE IF NOT EXISTS held_detail ("
    "  number INTEGER PRIMARY KEY, envelope TEXT NOT NULL, decision TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS repeats ("
    "  id TEXT PRIMARY KEY, same_as TEXT NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS tokens ("
    "  token TEXT PRIMARY KEY, id TEXT NOT NULL, body_hash TEXT NOT NULL,"
    "  recipients TEXT NOT NULL, time INTEGER NOT NULL, used INTEGER NOT NULL,"
    "  header TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS expiry ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);"
    // The looks at the clocks, in seconds of each: base/clock_looks.h. The table `expiry` is from
    // older versions.
    "CREATE TABLE IF NOT EXISTS looks ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, wall INTEGER NOT NULL,"
    "  steady INTEGER NOT NULL, since INTEGER NOT NULL, many_since INTEGER);";

// Whether the row of that id still keeps its message; nullopt if there is no row.
Outcome<std::optional<bool>> kept_by_row(Database& database, std::string_view id) {
  std::optional<bool> kept;
  auto read = database.query("SELECT state FROM held WHERE id = ?1", {id}, [&](const Row& row) {
    const auto state = parse_word<State>(row.text(0));
    kept = state == State::held || state == State::released;
    return true;
  });
  if (read) {
    read = database.query("SELECT 1 FROM repeats WHERE id = ?1", {id}, [&](const Row&) {
      kept = false;
      return true;
    });
  }
  if (!read) return failed(read.error());
  return kept;
}

// The id under which the same message, octet by octet, is kept or was delivered already. A copy
// whose file is missing does not count: then this is the only one.
Outcome<std::string> same_as(Database& database, const HeldRow& held,
                             const spool::Tables::HasFile& has_file) {
  std::string id;
  auto read = database.query(
      "SELECT id, state FROM held WHERE body_hash = ?1 AND mail_from = ?2 AND recipients = ?3"
      "  AND header_hash = ?4"
      "  AND time BETWEEN ?5 AND ?6 AND state IN ('held', 'released', 'delivered')",
      {held.body_hash, held.mail_from, join(held.recipients), held.header_hash,
       seconds(held.time) - again_seconds, seconds(held.time) + again_seconds},
      [&](const Row& row) {
        if (row.text(1) == "delivered" || has_file(std::string(row.text(0)))) id = row.text(0);
        return id.empty();
      });
  if (!read) return failed(read.error());
  return id;
}

Outcome<void> count_repeat(Database& database, const HeldRow& held, const std::string& same) {
  auto counted = database.run(
      "UPDATE held SET repeats = repeats + 1, last_repeat = max(last_repeat, ?2) WHERE id = ?1",
      {same, seconds(held.time)});
  if (counted) {
    counted = database.run("INSERT OR IGNORE INTO repeats (id, same_as, time) VALUES (?1, ?2, ?3)",
                           {held.id, same, seconds(held.time)});
  }
  if (!counted) return failed(counted.error());
  return {};
}

Outcome<void> insert(Database& database, const HeldMessage& message, std::uint64_t size) {
  const HeldRow& held = message.held;
  auto added = database.run(
      "INSERT INTO held (id, queue_id, time, mail_from, recipients, author, subject, message_id,"
      "  client, rule, reason, header_hash, body_hash, size, state, changed, delivered_to, remark,"
      "  repeats,"
      "  last_repeat, token, process)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'held', ?3, '',"
      "  '', 0, 0, '', 0)",
      {held.id, held.queue_id, seconds(held.time), held.mail_from, join(held.recipients),
       held.author, held.subject, held.message_id, held.client, held.rule, held.reason,
       held.header_hash, held.body_hash, static_cast<std::int64_t>(size)});
  if (added) {
    added = database.run(
        "INSERT INTO held_detail (number, envelope, decision) VALUES (last_insert_rowid(), ?1, ?2)",
        {message.detail.envelope, message.detail.decision});
  }
  if (!added) return failed(added.error());
  return {};
}

// The inverse of join().
void split(std::string_view text, std::vector<std::string>& lines) {
  std::size_t count = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (count == lines.size()) lines.emplace_back();
    lines[count++] = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  lines.resize(count);
}

}  // namespace

std::string record_of(const HeldRow& held, const Detail& detail) {
  Record record;
  record.add("format", format).add("id", held.id).add("queue_id", held.queue_id);
  record.add("time", std::to_string(seconds(held.time))).add("mail_from", held.mail_from);
  for (const auto& recipient : held.recipients) record.add("recipient", recipient);
  record.add("author", held.author).add("subject", held.subject);
  record.add("message_id", held.message_id).add("client", held.client);
  record.add("rule", held.rule).add("reason", held.reason);
  record.add("header_hash", held.header_hash).add("body_hash", held.body_hash);
  if (held.alone) record.add("alone", "yes");
  record.add("envelope", detail.envelope).add("decision", detail.decision);
  return record.octets();
}

std::optional<HeldMessage> read_record(std::string_view octets) {
  const auto record = Record::parse(octets);
  if (!record || record->get("format") != format) return std::nullopt;
  const auto text = [&](std::string_view name) { return std::string(record->get(name)); };
  HeldMessage message;
  HeldRow& held = message.held;
  held.id = text("id");
  const auto time = record->get("time");
  std::int64_t since = 0;
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), since);
  if (!is_id(held.id) || error != std::errc{} || end != time.data() + time.size())
    return std::nullopt;
  held.time = time_of(since);
  held.queue_id = text("queue_id");
  held.mail_from = text("mail_from");
  held.recipients = record->all("recipient");
  held.author = text("author");
  held.subject = text("subject");
  held.message_id = text("message_id");
  held.client = text("client");
  held.rule = text("rule");
  held.reason = text("reason");
  held.header_hash = text("header_hash");
  held.body_hash = text("body_hash");
  held.alone = !record->get("alone").empty();
  message.detail = {text("envelope"), text("decision")};
  return message;
}

Outcome<void> add_missing_columns(Database& database) {
  // Rows without it never count as repetitions.
  auto added =
      spool::add_column(database, "held", "header_hash",
                        "ALTER TABLE held ADD COLUMN header_hash TEXT NOT NULL DEFAULT '';");
  if (added) {
    added = spool::add_column(database, "held", "let_go",
                              "ALTER TABLE held ADD COLUMN let_go INTEGER NOT NULL DEFAULT 0;");
  }
  // Tokens without it let no message pass.
  if (added) {
    added = spool::add_column(database, "tokens", "header",
                              "ALTER TABLE tokens ADD COLUMN header TEXT NOT NULL DEFAULT '';");
  }
  return added;
}

Outcome<void> Tables::create(Database& database) const {
  auto made = database.script(schema);
  if (made) made = make_acts(database);
  return made ? add_missing_columns(database) : made;
}

Outcome<spool::Tables::Placed> Tables::place(Database& database, const spool::Entry& entry,
                                             const HasFile& has_file) const {
  const auto message = read_record(entry.record);
  if (!message || message->held.id != entry.key)
    return failed(Failure::Kind::refused,
                  "the record of " + std::string(entry.key) + " cannot be read");
  const auto kept = kept_by_row(database, entry.key);
  if (!kept) return failed(kept.error());
  if (*kept) return Placed{**kept ? Placing::inserted : Placing::abandoned, {}};
  // A message with a part for another table is never merged: its other recipients must get it.
  const bool alone = message->held.alone || entry.shared;
  const auto same = alone ? Outcome<std::string>() : same_as(database, message->held, has_file);
  if (!same) return failed(same.error());
  auto done = same->empty() ? insert(database, *message, entry.size)
                            : count_repeat(database, message->held, *same);
  if (!done) return failed(done.error());
  if (same->empty()) return Placed{Placing::inserted, {}};
  return Placed{Placing::repeated, *same};
}

Outcome<bool> Tables::wants(Database& database, const std::string& key) const {
  std::optional<State> state;
  auto read = database.query("SELECT state FROM held WHERE id = ?1", {key}, [&](const Row& row) {
    state = parse_word<State>(row.text(0));
    return true;
  });
  if (!read) return failed(read.error());
  if (!state) return false;
  switch (*state) {
    case State::held:
    case State::released:
      return true;
    case State::delivered:
    case State::expired:
      return false;
    case State::deleted:
      break;
  }
  const auto gone = is_let_go(database, key);
  if (!gone) return failed(gone.error());
  return !*gone;
}

bool has_line_end(const std::vector<std::string>& lines) {
  return std::any_of(lines.begin(), lines.end(),
                     [](const std::string& line) { return line.find('\n') != std::string::npos; });
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

std::int64_t seconds(WallTime time) { return time.time_since_epoch().count(); }

WallTime time_of(std::int64_t since) { return WallTime(std::chrono::seconds(since)); }

void read_row(const Row& row, HeldRow& held) {
  held.id = row.text(0);
  held.queue_id = row.text(1);
  held.time = time_of(row.integer(2));
  held.mail_from = row.text(3);
  split(row.text(4), held.recipients);
  held.author = row.text(5);
  held.subject = row.text(6);
  held.message_id = row.text(7);
  held.client = row.text(8);
  held.rule = row.text(9);
  held.reason = row.text(10);
  held.header_hash = row.text(11);
  held.body_hash = row.text(12);
  held.size = static_cast<std::uint64_t>(row.integer(13));
  held.state = parse_word<State>(row.text(14)).value_or(State::held);
  held.changed = time_of(row.integer(15));
  split(row.text(16), held.delivered_to);
  held.remark = row.text(17);
  held.repeats = static_cast<std::uint64_t>(row.integer(18));
  held.last_repeat = time_of(row.integer(19));
}

Outcome<void> has_room(Database& database, std::uint64_t octets, std::uint64_t most) {
  if (most == 0) return {};
  // All files together: known at once, and mostly enough.
  const auto files = spool::Index::usage(database);
  if (!files) return failed(files.error());
  if (files->octets + octets <= most) return {};
  std::uint64_t held = 0;
  auto read =
      database.query("SELECT coalesce(sum(size), 0) FROM held WHERE state IN ('held', 'released')",
                     {}, [&](const Row& row) {
                       held = static_cast<std::uint64_t>(row.integer(0));
                       return true;
                     });
  if (!read) return read;
  if (held + octets <= most) return {};
  return failed(Failure::Kind::limit, "a message of " + std::to_string(octets) +
                                          " octets would exceed quarantine.max_size, " +
                                          std::to_string(most) + " octets");
}

}  // namespace sekisho::quarantine
