#include "quarantine/store.h"

#include <algorithm>
#include <utility>

#include "quarantine/acts.h"
#include "quarantine/held_part.h"
#include "quarantine/row.h"
#include "quarantine/tables.h"
#include "quarantine/tokens.h"

namespace sekisho::quarantine {

Outcome<std::unique_ptr<Store>> Store::open(const Options& options, Access access,
                                            spool::Store::Alarm alarm) {
  spool::Options below;
  below.dir = options.dir;
  below.max_size = options.max_size;
  auto opened =
      spool::Store::open(below, access, {std::make_shared<const Tables>()}, std::move(alarm));
  if (!opened) return failed(opened.error());
  return std::make_unique<Store>(options, std::move(*opened));
}

void Store::hold(spool::Draft draft, HeldRow held, const Detail& detail, spool::Store::Done done) {
  if (!is_id(held.id) || held.recipients.empty() || has_line_end(held.recipients)) {
    done(failed(Failure::Kind::refused, "not a message that can be held: no id or no recipients"));
    return;
  }
  const std::string id = held.id;
  spool_->put(std::move(draft), id, {part_of(std::move(held), detail)}, std::move(done));
}

Outcome<HeldMessage> Store::get(const std::string& id) {
  HeldMessage message;
  bool can_come_back = false;
  auto read = spool_->read([&](Database& database) -> Outcome<void> {
    auto row = find(database, id);
    if (!row) return failed(row.error());
    message.held = std::move(row->held);
    auto acts = acts_of(database, message.held.id);
    if (!acts) return failed(acts.error());
    message.acts = std::move(*acts);
    const auto gone = is_let_go(database, message.held.id);
    if (!gone) return failed(gone.error());
    can_come_back = message.held.state == State::deleted && !*gone;
    return database.query(
        "SELECT envelope, decision FROM held_detail WHERE number = ?1", {row->number},
        [&](const Row& detail) {
          message.detail = {std::string(detail.text(0)), std::string(detail.text(1))};
          return true;
        });
  });
  if (!read) return failed(read.error());
  message.held.expires = message.held.time + options_.keep;
  if (can_come_back && has_file(message.held.id)) {
    message.gone_from = message.held.changed + std::min(options_.keep, options_.keep_deleted);
  }
  return message;
}

bool Store::has_file(const std::string& id) const {
  const auto file = spool_->open_message(id);
  return file || file.error().kind != Failure::Kind::not_found;
}

Outcome<spool::MessageFile> Store::open_message(const std::string& id) {
  auto message = get(id);
  if (!message) return failed(message.error());
  return spool_->open_message(message->held.id);
}

// Whether a `deleted` message can still be restored.
Outcome<bool> Store::is_kept(Database& database, const HeldRow& held) const {
  if (held.state != State::deleted || !has_file(held.id)) return false;
  const auto gone = is_let_go(database, held.id);
  if (!gone) return failed(gone.error());
  return !*gone;
}

Outcome<void> Store::remove_here(Change& change, const Found& row, WallTime now,
                                 std::string_view by, bool for_good) const {
  auto& database = change.database();
  if (auto here = is_here(row.held); !here) return here;
  const auto busy = is_being_released(row.held.id);
  if (!busy) return failed(busy.error());
  if (*busy) return failed(under_way(row));
  // A message whose file is missing cannot be restored.
  const bool gone = for_good || !has_file(row.held.id);
  auto done = end_releases(database, row.held.id);
  if (done) done = set_state(database, row, State::deleted, row.held.remark, now);
  if (done) done = add_act(database, row.held.id, now, by, gone ? "deleted for good" : "deleted");
  if (!done || !gone) return done;
  return let_go(change, row.held.id);
}

Outcome<void> Store::remove(const std::string& id, WallTime now, std::string_view by,
                            bool for_good) {
  for_good |= options_.keep_deleted == std::chrono::seconds(0);
  return spool_->change([&](Change& change) -> Outcome<void> {
    auto row = find(change.database(), id);
    if (!row) return failed(row.error());
    const auto kept = is_kept(change.database(), row->held);
    if (!kept) return failed(kept.error());
    if (!for_good || !*kept) return remove_here(change, *row, now, by, for_good);
    auto noted = add_act(change.database(), row->held.id, now, by, "deleted for good");
    return noted ? let_go(change, row->held.id) : noted;
  });
}

Outcome<void> Store::restore(const std::string& id, WallTime now, std::string_view by) {
  return spool_->change([&](Change& change) -> Outcome<void> {
    auto row = find(change.database(), id);
    if (!row) return failed(row.error());
    const auto state = row->held.state;
    if (state == State::held || state == State::released)
      return failed(Failure::Kind::refused, "it is not deleted");
    if (state != State::deleted) return is_here(row->held);
    const auto kept = is_kept(change.database(), row->held);
    if (!kept) return failed(kept.error());
    if (!*kept) {
      return failed(Failure::Kind::not_found, "it was deleted " + to_iso8601(row->held.changed) +
                                                  ", and the message is gone");
    }
    if (auto set = set_state(change.database(), *row, State::held, row->held.remark, now); !set)
      return set;
    return add_act(change.database(), row->held.id, now, by, "brought back");
  });
}

Outcome<void> Store::add_note(const std::string& id, std::string_view what, WallTime now,
                              std::string_view by) {
  return spool_->change([&](Change& change) -> Outcome<void> {
    auto row = find(change.database(), id);
    if (!row) return failed(row.error());
    return add_act(change.database(), row->held.id, now, by, what);
  });
}

}  // namespace sekisho::quarantine
