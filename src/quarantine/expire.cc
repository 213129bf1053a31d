// Expiry and statistics of the quarantine: the operations that read all messages.
#include <algorithm>

#include "quarantine/acts.h"
#include "quarantine/row.h"
#include "quarantine/store.h"
#include "quarantine/tables.h"
#include "quarantine/tokens.h"

namespace sekisho::quarantine {

namespace {

// At most this many messages expire in one transaction, so that puts can take turns.
constexpr std::int64_t expired_at_once = 500;

std::int64_t steady_seconds(SteadyTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

SteadyTime steady_of(std::int64_t since) { return SteadyTime(std::chrono::seconds(since)); }

Outcome<ClockLooks> looks_of(Database& database) {
  ClockLooks looks;
  auto read = database.query(
      "SELECT boot, wall, steady, since, many_since FROM looks", {}, [&](const Row& row) {
        ClockLooks::State state{
            {time_of(row.integer(1)), steady_of(row.integer(2)), std::string(row.text(0))},
            steady_of(row.integer(3)),
            std::nullopt};
        if (!row.is_null(4)) state.many_since = steady_of(row.integer(4));
        looks.remember(std::move(state));
        return true;
      });
  if (!read) return failed(read.error());
  return looks;
}

Outcome<void> note(Database& database, const ClockLooks::State& state) {
  const auto many =
      state.many_since ? spool::Value(steady_seconds(*state.many_since)) : spool::Value(nullptr);
  auto noted = database.run(
      "INSERT OR REPLACE INTO looks (one, boot, wall, steady, since, many_since)"
      " VALUES (1, ?1, ?2, ?3, ?4, ?5)",
      {state.last.boot, seconds(state.last.wall), steady_seconds(state.last.steady),
       steady_seconds(state.since), many});
  if (!noted) return failed(noted.error());
  return {};
}

// What is held because its recipient forwards it was accepted: only a person ends that.
enum class Whose { verdicts, all };

Outcome<Due> due_in(Database& database, WallTime before, Whose whose) {
  Due due{0, 0, before};
  auto read = database.query(
      "SELECT count(*), coalesce(sum(time <= ?1), 0) FROM held"
      " WHERE state IN ('held', 'released') AND (rule <> 'forward' OR ?2)",
      {seconds(before), std::int64_t{whose == Whose::all}}, [&](const Row& row) {
        due.all = static_cast<std::uint64_t>(row.integer(0));
        due.messages = static_cast<std::uint64_t>(row.integer(1));
        return true;
      });
  if (!read) return failed(read.error());
  return due;
}

// Expires some of the messages held before `before`; returns how many. Messages that are being
// released stay.
Outcome<std::uint64_t> expire_some(
    Change& change, WallTime now, WallTime before, Whose whose,
    const std::function<Outcome<bool>(const std::string&)>& is_being_released) {
  auto& database = change.database();
  std::vector<std::string> ids;
  std::vector<std::string> released;
  auto read = database.query(
      "SELECT id, state FROM held WHERE time <= ?1 AND state IN ('held', 'released')"
      "  AND (rule <> 'forward' OR ?3) LIMIT ?2",
      {seconds(before), expired_at_once, std::int64_t{whose == Whose::all}}, [&](const Row& row) {
        (row.text(1) == "held" ? ids : released).emplace_back(row.text(0));
        return true;
      });
  if (!read) return failed(read.error());
  for (auto& id : released) {
    const auto busy = is_being_released(id);
    if (!busy) return failed(busy.error());
    if (!*busy) ids.push_back(std::move(id));
  }
  for (const auto& id : ids) {
    if (auto ended = end_releases(database, id); !ended) return failed(ended.error());
    auto set = database.run(
        "UPDATE held SET state = 'expired', changed = ?2, token = '', process = 0 WHERE id = ?1",
        {id, seconds(now)});
    if (!set) return failed(set.error());
    change.drop(id);
  }
  return ids.size();
}

// Removes messages that were deleted before `before` and not brought back. `files` is the spool's
// own table of existing files.
Outcome<std::uint64_t> purge_some(Change& change, WallTime before) {
  if (auto there = add_missing_columns(change.database()); !there) return failed(there.error());
  std::vector<std::string> ids;
  auto read = change.database().query(
      "SELECT id FROM held WHERE state = 'deleted' AND changed <= ?1 AND let_go = 0"
      "  AND id IN (SELECT key FROM files) LIMIT ?2",
      {seconds(before), expired_at_once}, [&](const Row& row) {
        ids.emplace_back(row.text(0));
        return true;
      });
  if (!read) return failed(read.error());
  for (const auto& id : ids) {
    if (auto gone = let_go(change, id); !gone) return failed(gone.error());
  }
  return ids.size();
}

// Removes the rows of messages that ended before `before`, and used or old tokens.
Outcome<void> forget(Database& database, WallTime now, WallTime before) {
  auto gone = database.run(
      "DELETE FROM held_detail WHERE number IN (SELECT number FROM held"
      "  WHERE state IN ('delivered', 'deleted', 'expired') AND changed <= ?1)",
      {seconds(before)});
  if (gone) {
    gone = database.run(
        "DELETE FROM held WHERE state IN ('delivered', 'deleted', 'expired') AND changed <= ?1",
        {seconds(before)});
  }
  if (gone) {
    gone = database.run(
        "DELETE FROM repeats WHERE time <= ?1 AND same_as NOT IN (SELECT id FROM held)",
        {seconds(before)});
  }
  if (gone) {
    gone = database.run(
        "DELETE FROM tokens WHERE time <= ?1 AND token NOT IN (SELECT token FROM held)",
        {seconds(now - std::chrono::hours(24 * 7))});
  }
  if (!gone) return failed(gone.error());
  return forget_acts(database);
}

// A person who says how long means all.
Whose whose(const std::optional<std::chrono::seconds>& keep) {
  return keep ? Whose::all : Whose::verdicts;
}

}  // namespace

Outcome<void> Store::purge(WallTime before) {
  for (std::uint64_t some = 1; some > 0;) {
    auto done = spool_->change([&](Change& change) -> Outcome<void> {
      auto count = purge_some(change, before);
      if (!count) return failed(count.error());
      some = *count;
      return {};
    });
    if (!done) return done;
  }
  return {};
}

Outcome<Due> Store::due(WallTime now, std::optional<std::chrono::seconds> keep) {
  Due due;
  auto read = spool_->read([&](Database& database) -> Outcome<void> {
    auto counted = due_in(database, now - keep.value_or(options_.keep), whose(keep));
    if (!counted) return failed(counted.error());
    due = *counted;
    return {};
  });
  if (!read) return failed(read.error());
  return due;
}

Outcome<Expired> Store::expire(const ClockLook& now) {
  Expired expired;
  auto looked = spool_->change([&](Change& change) -> Outcome<void> {
    auto& database = change.database();
    auto looks = looks_of(database);
    if (!looks) return failed(looks.error());
    auto due = due_in(database, now.wall - options_.keep, Whose::verdicts);
    if (!due) return failed(due.error());
    expired.due = *due;
    expired.answer = looks->look(now, due->messages, due->all);
    return note(database, *looks->state());
  });
  if (!looked) return failed(looked.error());
  if (expired.answer != ClockLooks::Answer::go) return expired;
  auto gone = expire_now(now.wall);
  if (!gone) return failed(gone.error());
  expired.messages = *gone;
  return expired;
}

Outcome<std::uint64_t> Store::expire_now(WallTime now, std::optional<std::chrono::seconds> keep) {
  const WallTime before = now - keep.value_or(options_.keep);
  std::uint64_t expired = 0;
  for (std::uint64_t some = 1; some > 0;) {
    auto done = spool_->change([&](Change& change) -> Outcome<void> {
      auto count = expire_some(change, now, before, whose(keep),
                               [this](const std::string& id) { return is_being_released(id); });
      if (!count) return failed(count.error());
      some = *count;
      return {};
    });
    if (!done) return failed(done.error());
    expired += some;
  }
  if (auto purged = purge(now - std::min(options_.keep, options_.keep_deleted)); !purged)
    return failed(purged.error());
  auto forgotten = spool_->change(
      [&](Change& change) { return forget(change.database(), now, now - options_.keep); });
  if (!forgotten) return failed(forgotten.error());
  return expired;
}

Outcome<std::optional<WallTime>> Store::latest() {
  std::optional<WallTime> latest;
  auto read = spool_->read([&](Database& database) -> Outcome<void> {
    return database.query("SELECT max(time) FROM held", {}, [&](const Row& row) {
      if (!row.is_null(0)) latest = time_of(row.integer(0));
      return true;
    });
  });
  if (!read) return failed(read.error());
  return latest;
}

Outcome<Stats> Store::stats(WallTime now) {
  Stats stats;
  stats.max_size = options_.max_size;
  const auto count = [&](State state) -> std::uint64_t& {
    switch (state) {
      case State::held:
        return stats.held;
      case State::released:
        return stats.released;
      case State::delivered:
        return stats.delivered;
      case State::deleted:
        return stats.deleted;
      case State::expired:
        break;
    }
    return stats.expired;
  };
  const WallTime soon = now + std::chrono::hours(24) - options_.keep;
  auto read = spool_->read([&](Database& database) -> Outcome<void> {
    auto counted = database.query(
        "SELECT state, count(*), min(time), sum(time <= ?1 AND rule <> 'forward') FROM held GROUP "
        "BY state",
        {seconds(soon)}, [&](const Row& row) {
          const auto state = parse_word<State>(row.text(0)).value_or(State::held);
          count(state) = static_cast<std::uint64_t>(row.integer(1));
          if (state == State::held) {
            stats.oldest = time_of(row.integer(2));
            stats.expire_within_day = static_cast<std::uint64_t>(row.integer(3));
          }
          return true;
        });
    return counted;
  });
  if (!read) return failed(read.error());
  auto usage = spool_->usage();
  if (!usage) return failed(usage.error());
  stats.octets = usage->octets;
  return stats;
}

}  // namespace sekisho::quarantine
