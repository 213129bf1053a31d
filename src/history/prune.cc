// The recorder removes decisions that are too old, and the oldest ones beyond the size.
#include <algorithm>

#include "history/recorder.h"

namespace sekisho::history {

namespace {

using spool::Outcome;

constexpr std::chrono::seconds prune_every(10);
// Rows that one step of pruning removes, so that writing never waits long; and a tenth of all, so
// that a step for the size does not take far more than it must.
constexpr std::int64_t prune_step = 1000;

}  // namespace

Outcome<std::uint64_t> Recorder::used_octets() {
  std::uint64_t octets = 0;
  auto done = database_->query(
      "SELECT (page_count - freelist_count) * page_size"
      " FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
      {}, [&](const spool::Row& row) {
        octets = static_cast<std::uint64_t>(row.integer(0));
        return true;
      });
  if (!done) return spool::failed(done.error());
  return octets;
}

// Removes all rows up to `number` and their records; returns how many.
Outcome<std::int64_t> Recorder::remove_before(std::int64_t number) {
  std::int64_t removed = 0;
  auto done = database_->transaction([&]() -> Outcome<void> {
    const auto rows = database_->run("DELETE FROM decisions WHERE number <= ?1", {number});
    if (!rows) return spool::failed(rows.error());
    const auto records = database_->run("DELETE FROM records WHERE number <= ?1", {number});
    if (!records) return spool::failed(records.error());
    removed = *rows;
    return {};
  });
  if (!done) return spool::failed(done.error());
  return removed;
}

// Removes the oldest rows of refused mail.
Outcome<std::int64_t> Recorder::remove_refused(std::int64_t rows) {
  std::int64_t removed = 0;
  auto done = database_->transaction([&]() -> Outcome<void> {
    const auto records = database_->run(
        "DELETE FROM records WHERE number IN (SELECT number FROM decisions"
        " WHERE action IN ('reject', 'tempfail') ORDER BY number LIMIT ?1)",
        {rows});
    if (!records) return spool::failed(records.error());
    const auto gone = database_->run(
        "DELETE FROM decisions WHERE number IN (SELECT number FROM decisions"
        " WHERE action IN ('reject', 'tempfail') ORDER BY number LIMIT ?1)",
        {rows});
    if (!gone) return spool::failed(gone.error());
    removed = *gone;
    return {};
  });
  if (!done) return spool::failed(done.error());
  return removed;
}

// Removes those of the oldest rows that are older than `older_than`.
Outcome<std::int64_t> Recorder::remove_oldest(std::int64_t rows, std::int64_t older_than) {
  std::int64_t last = 0;
  auto done = database_->query(
      "SELECT max(number) FROM (SELECT number, time FROM decisions ORDER BY number LIMIT ?1)"
      " WHERE time < ?2",
      {rows, older_than}, [&](const spool::Row& row) {
        last = row.integer(0);
        return true;
      });
  if (!done) return spool::failed(done.error());
  return last > 0 ? remove_before(last) : Outcome<std::int64_t>(0);
}

// Removes rows that are too old, if both clocks agree on that.
Outcome<std::int64_t> Recorder::remove_aged(std::chrono::seconds keep, std::uint64_t records) {
  const auto now = look_();
  const auto oldest = (now.wall - keep).time_since_epoch().count();
  if (!removing_aged_) {
    const auto due = older_than(oldest);
    if (!due) return spool::failed(due.error());
    const auto answer = looks_.look(now, *due, records);
    if (answer == ClockLooks::Answer::many || answer == ClockLooks::Answer::jumped) {
      log_.write_limited(LogLevel::warning, "history clock",
                         "history: by the clock " + std::to_string(*due) + " of " +
                             std::to_string(records) +
                             " decisions are too old all at once: nothing is removed before the "
                             "clock has held for some time");
    }
    if (answer != ClockLooks::Answer::go) return 0;
  }
  auto removed = remove_oldest(prune_step, oldest);
  removing_aged_ = removed && *removed > 0;
  return removed;
}

Outcome<std::uint64_t> Recorder::older_than(std::int64_t time) {
  std::uint64_t rows = 0;
  auto done = database_->query("SELECT count(*) FROM decisions WHERE time < ?1", {time},
                               [&](const spool::Row& row) {
                                 rows = static_cast<std::uint64_t>(row.integer(0));
                                 return true;
                               });
  if (!done) return spool::failed(done.error());
  return rows;
}

Outcome<std::uint64_t> Recorder::refused_octets() {
  std::uint64_t octets = 0;
  auto done = database_->query(
      "SELECT coalesce(sum(octets), 0) FROM decisions WHERE action IN ('reject', 'tempfail')", {},
      [&](const spool::Row& row) {
        octets = static_cast<std::uint64_t>(row.integer(0));
        return true;
      });
  if (!done) return spool::failed(done.error());
  return octets;
}

// One step of pruning. If there is more to remove, the next step follows at once.
Outcome<void> Recorder::prune(const Options& limits) {
  const auto used = used_octets();
  if (!used) return spool::failed(used.error());
  const bool too_large = *used > limits.max_size;
  const auto records = status_.with([](const Status& status) { return status.records; });
  const auto step =
      too_large ? std::clamp<std::int64_t>(static_cast<std::int64_t>(records) / 10, 1, prune_step)
                : prune_step;
  const auto refused = too_large ? refused_octets() : Outcome<std::uint64_t>(0);
  if (!refused) return spool::failed(refused.error());
  const bool refused_first = *refused > limits.max_size / refused_share;
  const auto removed = refused_first ? remove_refused(step)
                       : too_large   ? remove_oldest(step, INT64_MAX)
                                     : remove_aged(limits.keep, records);
  if (!removed) return spool::failed(removed.error());
  if (*removed > 0) {
    if (auto done = after_removal(); !done) return done;
  }
  status_.with([&](Status& status) {
    status.octets = *used;
    status.records -= std::min(status.records, static_cast<std::uint64_t>(*removed));
    status.pruned += static_cast<std::uint64_t>(*removed);
  });
  next_prune_ = *removed > 0 ? steady_now() : steady_now() + prune_every;
  return {};
}

// Removes configurations without any remaining decision, except the newest, and shrinks the file.
Outcome<void> Recorder::after_removal() {
  const auto forgotten = database_->run(
      "DELETE FROM configurations WHERE digest NOT IN (SELECT configuration FROM decisions)"
      " AND time < (SELECT max(time) FROM configurations)");
  if (!forgotten) return spool::failed(forgotten.error());
  return database_->query("PRAGMA incremental_vacuum(2000)", {},
                          [](const spool::Row&) { return true; });
}

}  // namespace sekisho::history
