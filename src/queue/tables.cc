#include "queue/tables.h"

#include <array>
#include <cstring>

#include <sys/random.h>

#include "base/encoding.h"

namespace sekisho::queue {

namespace {

constexpr spool::Sql schema =
    "CREATE TABLE IF NOT EXISTS queued ("
    "  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, letter TEXT NOT NULL,"
    "  size INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS queued_to ("
    "  id TEXT NOT NULL, place INTEGER NOT NULL, address TEXT NOT NULL, original TEXT NOT NULL,"
    "  parameters TEXT NOT NULL, sender TEXT, expand INTEGER NOT NULL,"
    "  state TEXT NOT NULL, reason TEXT NOT NULL, wish TEXT NOT NULL, fault TEXT NOT NULL,"
    "  attempts INTEGER NOT NULL, next INTEGER NOT NULL, looked INTEGER NOT NULL,"
    "  age INTEGER NOT NULL, warned INTEGER NOT NULL,"
    "  why TEXT NOT NULL, reply TEXT NOT NULL, status TEXT NOT NULL, host TEXT NOT NULL,"
    "  dialogue TEXT NOT NULL, tried INTEGER NOT NULL,"
    "  PRIMARY KEY (id, place)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS queue_done (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS queue_news (id TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS queue_life ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, places INTEGER NOT NULL,"
    "  summary INTEGER NOT NULL);";

// Places of recipients that are added later begin here: above those of any message as it was put.
constexpr std::int64_t added_places = 1'000'000;

std::int64_t seconds(WallTime time) { return time.time_since_epoch().count(); }
WallTime time_of(std::int64_t since) { return WallTime(std::chrono::seconds(since)); }

Outcome<void> just_run(Outcome<std::int64_t> ran) {
  if (!ran) return failed(ran.error());
  return {};
}

Outcome<bool> exists(Outcome<void> read, const bool& found) {
  if (!read) return failed(read.error());
  return found;
}

Outcome<bool> is_queued(Database& database, std::string_view id) {
  bool found = false;
  return exists(database.query("SELECT 1 FROM queued WHERE id = ?1", {id},
                               [&](const Row&) { return found = true; }),
                found);
}

Outcome<bool> is_done(Database& database, std::string_view id) {
  bool found = false;
  return exists(database.query("SELECT 1 FROM queue_done WHERE id = ?1", {id},
                               [&](const Row&) { return found = true; }),
                found);
}

#define SEKISHO_QUEUE_COLUMNS                                                                    \
  "place, address, original, parameters, sender, expand, state, reason, wish, fault, attempts, " \
  "next, looked, age, warned, why, reply, status, host, dialogue, tried"

Recipient read_recipient(const Row& row) {
  Recipient to;
  to.place = static_cast<std::uint32_t>(row.integer(0));
  to.address = row.text(1);
  to.original = row.text(2);
  to.parameters = split(row.text(3));
  if (!row.is_null(4)) to.sender = row.text(4);
  to.expand = row.integer(5) != 0;
  auto& progress = to.progress;
  progress.state = parse_word<State>(row.text(6)).value_or(State::held);
  progress.reason = parse_word<Reason>(row.text(7)).value_or(Reason::person);
  progress.wish = parse_word<Wish>(row.text(8)).value_or(Wish::none);
  progress.fault = row.text(9);
  progress.attempts = static_cast<std::uint32_t>(row.integer(10));
  progress.next = time_of(row.integer(11));
  progress.looked = time_of(row.integer(12));
  progress.age = std::chrono::seconds(row.integer(13));
  progress.warned = row.integer(14) != 0;
  to.last = {std::string(row.text(15)), std::string(row.text(16)), std::string(row.text(17)),
             std::string(row.text(18)), std::string(row.text(19)), time_of(row.integer(20))};
  return to;
}

Outcome<void> insert_letter(Database& database, const Letter& letter) {
  auto over = just_run(database.run("DELETE FROM queue_done WHERE id = ?1", {letter.id}));
  if (!over) return over;
  return just_run(
      database.run("INSERT OR IGNORE INTO queued (id, letter, size) VALUES (?1, ?2, ?3)",
                   {letter.id, write_letter(letter), static_cast<std::int64_t>(letter.size)}));
}

// Of the recipients of a message whose row was lost with the index.
void doubt(Message& message, bool shared) {
  if (message.recipients.size() == 1 && !shared) return;
  for (auto& to : message.recipients) {
    to.progress.state = State::held;
    to.progress.reason = Reason::lost_index;
    to.last.why = "the index was lost, and with it who has the message already";
  }
}

std::string random_name() {
  std::array<char, 16> octets{};
  // Without random octets every index has the same name: then lost rows wait again.
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
    octets.fill(0);
  return hex_encode({octets.data(), octets.size()});
}

}  // namespace

Outcome<void> Tables::create(Database& database) const {
  auto made = database.script(schema);
  if (!made) return made;
  return just_run(database.run(
      "INSERT OR IGNORE INTO queue_life (one, name, places, summary) VALUES (1, ?1, ?2, 0)",
      {random_name(), added_places}));
}

Outcome<spool::Tables::Placed> Tables::place(Database& database, const spool::Entry& entry,
                                             const HasFile& /*has_file*/) const {
  auto recorded = read_record(entry.record);
  if (!recorded || recorded->message.letter.id != entry.key)
    return failed(Failure::Kind::refused,
                  "the record of " + std::string(entry.key) + " cannot be read");
  const auto queued = is_queued(database, entry.key);
  if (!queued) return failed(queued.error());
  if (*queued) return Placed{};
  const auto over = is_done(database, entry.key);
  if (!over) return failed(over.error());
  if (*over) return Placed{Placing::abandoned, {}};
  if (entry.again) {
    const auto name = index_name(database);
    if (!name) return failed(name.error());
    // A bounce is one commit with the state that it tells of. Without that commit the recipient
    // still waits, and may get its message yet: it is told when it is so.
    if (*name == recorded->index && recorded->message.letter.own)
      return Placed{Placing::abandoned, {}};
    if (*name != recorded->index) doubt(recorded->message, entry.shared);
  }
  recorded->message.letter.size = entry.size;
  if (auto added = insert(database, recorded->message); !added) return failed(added.error());
  return Placed{};
}

Outcome<bool> Tables::wants(Database& database, const std::string& key) const {
  return is_queued(database, key);
}

Outcome<std::string> index_name(Database& database) {
  std::string name;
  auto read = database.query("SELECT name FROM queue_life", {}, [&](const Row& row) {
    name = row.text(0);
    return true;
  });
  if (!read) return failed(read.error());
  return name;
}

Outcome<Message> find(Database& database, std::string_view id) {
  std::optional<Letter> letter;
  auto read =
      database.query("SELECT letter, size FROM queued WHERE id = ?1", {id}, [&](const Row& row) {
        letter = read_letter(row.text(0));
        if (letter) letter->size = static_cast<std::uint64_t>(row.integer(1));
        return true;
      });
  if (!read) return failed(read.error());
  if (!letter) return failed(Failure::Kind::not_found, "no message of that id is in the queue");
  letter->id = id;
  Message message{std::move(*letter), {}};
  read = database.query("SELECT " SEKISHO_QUEUE_COLUMNS
                        " FROM queued_to WHERE id = ?1"
                        " ORDER BY place",
                        {id}, [&](const Row& row) {
                          message.recipients.push_back(read_recipient(row));
                          return true;
                        });
  if (!read) return failed(read.error());
  return message;
}

Outcome<void> each_message(Database& database, const std::function<bool(Message)>& each) {
  Message message;
  std::int64_t last = 0;
  bool more = true;
  auto read = database.query(
      "SELECT " SEKISHO_QUEUE_COLUMNS
      ", queued.id, letter, size, number"
      " FROM queued JOIN queued_to ON queued_to.id = queued.id ORDER BY number, place",
      {}, [&](const Row& row) {
        if (row.integer(24) != last) {
          if (last != 0) more = each(std::move(message));
          auto letter = read_letter(row.text(22));
          message = {letter ? std::move(*letter) : Letter{}, {}};
          message.letter.top.clear();
          message.letter.id = row.text(21);
          message.letter.size = static_cast<std::uint64_t>(row.integer(23));
          last = row.integer(24);
        }
        message.recipients.push_back(read_recipient(row));
        return more;
      });
  if (read && more && last != 0) each(std::move(message));
  return read;
}

Outcome<void> insert(Database& database, const Message& message) {
  auto done = insert_letter(database, message.letter);
  for (const auto& to : message.recipients) {
    if (done) done = save(database, message.letter.id, to);
  }
  return done;
}

Outcome<void> save(Database& database, const std::string& id, const Recipient& to) {
  const auto& progress = to.progress;
  const std::string parameters = join(to.parameters);
  const spool::Value sender = to.sender ? spool::Value(*to.sender) : spool::Value(nullptr);
  // An attempt is not an event of the index: what is under way waits, unless a command came.
  const bool waits = progress.state == State::sending && progress.wish == Wish::none;
  const bool is_probe = progress.probes && progress.wish == Wish::none;
  const auto state = to_string(is_probe ? State::held : waits ? State::waiting : progress.state);
  return just_run(database.run(
      "INSERT OR REPLACE INTO queued_to (id, " SEKISHO_QUEUE_COLUMNS
      ")"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
      " ?19, ?20, ?21, ?22)",
      {id,
       std::int64_t{to.place},
       to.address,
       to.original,
       parameters,
       sender,
       std::int64_t{to.expand},
       state,
       to_string(progress.reason),
       to_string(progress.wish),
       progress.fault,
       std::int64_t{progress.attempts},
       seconds(progress.next),
       seconds(progress.looked),
       std::int64_t{progress.age.count()},
       std::int64_t{progress.warned},
       to.last.why,
       to.last.reply,
       to.last.status,
       to.last.host,
       to.last.dialogue,
       seconds(to.last.time)}));
}

Outcome<void> save_letter(Database& database, const Letter& letter) {
  return just_run(database.run("UPDATE queued SET letter = ?2 WHERE id = ?1",
                               {letter.id, write_letter(letter)}));
}

Outcome<bool> finish(Change& change, const std::string& id, std::uint32_t place) {
  auto& database = change.database();
  auto done = just_run(database.run("DELETE FROM queued_to WHERE id = ?1 AND place = ?2",
                                    {id, std::int64_t{place}}));
  if (!done) return failed(done.error());
  bool others = false;
  done = database.query("SELECT 1 FROM queued_to WHERE id = ?1 LIMIT 1", {id},
                        [&](const Row&) { return others = true; });
  if (!done) return failed(done.error());
  if (others) return false;
  done = just_run(database.run("DELETE FROM queued WHERE id = ?1", {id}));
  if (done)
    done = just_run(database.run("INSERT OR IGNORE INTO queue_done (id) VALUES (?1)", {id}));
  if (!done) return failed(done.error());
  change.drop(id);
  return true;
}

Outcome<void> add(Database& database, const Letter& letter, std::vector<Recipient> recipients) {
  auto done = insert_letter(database, letter);
  for (auto& to : recipients) {
    if (!done) return done;
    std::int64_t place = 0;
    done = database.query("SELECT places FROM queue_life", {}, [&](const Row& row) {
      place = row.integer(0);
      return true;
    });
    if (done) done = just_run(database.run("UPDATE queue_life SET places = places + 1"));
    to.place = static_cast<std::uint32_t>(place);
    if (done) done = save(database, letter.id, to);
  }
  return done;
}

Outcome<void> note_news(Database& database, const std::string& id) {
  return just_run(database.run("INSERT OR IGNORE INTO queue_news (id) VALUES (?1)", {id}));
}

Outcome<std::vector<std::string>> take_news(Database& database) {
  std::vector<std::string> ids;
  auto read = database.query("SELECT id FROM queue_news", {}, [&](const Row& row) {
    ids.emplace_back(row.text(0));
    return true;
  });
  for (const auto& id : ids) {
    if (read) read = just_run(database.run("DELETE FROM queue_news WHERE id = ?1", {id}));
  }
  if (!read) return failed(read.error());
  return ids;
}

Outcome<std::int64_t> latest_done(Database& database) {
  std::int64_t latest = 0;
  auto read =
      database.query("SELECT coalesce(max(number), 0) FROM queue_done", {}, [&](const Row& row) {
        latest = row.integer(0);
        return true;
      });
  if (!read) return failed(read.error());
  return latest;
}

Outcome<std::vector<std::string>> done_up_to(Database& database, std::int64_t number) {
  std::vector<std::string> ids;
  auto read =
      database.query("SELECT id FROM queue_done WHERE number <= ?1", {number}, [&](const Row& row) {
        ids.emplace_back(row.text(0));
        return true;
      });
  if (!read) return failed(read.error());
  return ids;
}

Outcome<void> forget_done(Database& database, std::int64_t up_to,
                          const std::vector<std::string>& kept) {
  auto done = just_run(database.run("DELETE FROM queue_done WHERE number <= ?1", {up_to}));
  for (const auto& id : kept) {
    if (done)
      done = just_run(database.run("INSERT OR IGNORE INTO queue_done (id) VALUES (?1)", {id}));
  }
  return done;
}

Outcome<WallTime> last_summary(Database& database) {
  WallTime time{};
  auto read = database.query("SELECT summary FROM queue_life", {}, [&](const Row& row) {
    time = time_of(row.integer(0));
    return true;
  });
  if (!read) return failed(read.error());
  return time;
}

Outcome<void> note_summary(Database& database, WallTime time) {
  return just_run(database.run("UPDATE queue_life SET summary = ?1", {seconds(time)}));
}

}  // namespace sekisho::queue
