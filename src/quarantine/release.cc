// Releases: how a held message goes back to the MTA, and is recognised when the filter sees it
// again.
#include <algorithm>
#include <utility>

#include <unistd.h>

#include "quarantine/acts.h"
#include "quarantine/bound_header.h"
#include "quarantine/envelope.h"
#include "quarantine/resend.h"
#include "quarantine/row.h"
#include "quarantine/store.h"
#include "quarantine/tables.h"
#include "quarantine/tokens.h"

namespace sekisho::quarantine {

namespace {

// How long the message of a release whose process has died may still be on its way to the filter:
// by then the MTA has its end (RFC 5321 §4.5.3.2.6 gives ten minutes).
constexpr std::chrono::minutes broken_off_life{10};

// More than any header that an MTA lets through.
constexpr std::uint64_t header_octets = 8ULL * 1024 * 1024;

// The header of a held message as it goes back to the MTA.
Outcome<std::string> released_header(Database& database, const spool::MessageFile& message,
                                     std::int64_t number) {
  std::optional<Envelope> envelope;
  auto read = database.query("SELECT envelope FROM held_detail WHERE number = ?1", {number},
                             [&](const Row& row) {
                               envelope = Envelope::parse(row.text(0));
                               return true;
                             });
  if (!read) return failed(read.error());
  constexpr std::size_t piece = 64 * 1024;
  std::string text;
  while (text.size() < std::min(message.size(), header_octets)) {
    auto more = message.read(text.size(), piece);
    if (!more) return failed(more.error());
    text += *more;
    if (text.find("\r\n\r\n") != std::string::npos || more->empty()) break;
  }
  if (!envelope) return bound_header(text, {});
  return bound_header(without_fields(text, envelope->removals), envelope->authentication_results);
}

std::string in_brackets(const std::vector<std::string>& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    text.append(text.empty() ? "<" : ", <").append(address).append(">");
  }
  return text;
}

// The file lock is taken, tested and released only inside a transaction. Transactions are serial,
// so a test can never be mistaken for a release, and a process that finds the lock free also sees
// the state that the release committed.
void unlock(const Release& release) {
  if (release.message) release.message->unlock();
}

// Marks the locked row as `released`, and stores its token.
Outcome<void> note_release(Database& database, const Found& row, const Release& release,
                           WallTime now) {
  auto changed = database.run(
      "UPDATE held SET state = 'released', changed = ?2, token = ?3, process = ?4"
      " WHERE number = ?1",
      {row.number, seconds(now), release.token, std::int64_t{::getpid()}});
  if (!changed) return failed(changed.error());
  auto header = released_header(database, *release.message, row.number);
  if (!header) return failed(header.error());
  auto added = add_token(
      database, release.token,
      {release.id, row.held.body_hash, envelope_of(row.held.mail_from, release.recipients),
       std::move(*header), now, TokenUse::open});
  if (!added) return added;
  // The message of a release that broke off may still be on its way.
  return use_token(database, row.token, TokenUse::over);
}

// The row of a release, if it still belongs to this release.
Outcome<Found> find_release(Database& database, const Release& release) {
  auto row = find(database, release.id);
  if (row && (row->held.state != State::released || row->token != release.token))
    return failed(Failure::Kind::refused, "this release was taken over, or is finished");
  return row;
}

}  // namespace

Outcome<Release> Store::begin_release(const ReleaseRequest& request, WallTime now) {
  auto token = make_token();
  if (!token) return failed(token.error());
  Release release{request.id, *token, request.recipients, {}};
  release.by = request.by;
  if (has_line_end(release.recipients))
    return failed(Failure::Kind::refused, "a recipient with a line end");
  auto done = spool_->change([&](Change& change) -> Outcome<void> {
    auto row = find(change.database(), request.id);
    if (!row) return failed(row.error());
    row =
        lock_for_release(change.database(), std::move(*row), request.even_if_handed_over, release);
    if (!row) return failed(row.error());
    return note_release(change.database(), *row, release, now);
  });
  if (!done) return failed(done.error());
  release.held.state = State::released;
  release.held.expires = release.held.time + options_.keep;
  return Outcome<Release>(std::move(release));
}

Outcome<Found> Store::lock_for_release(Database& database, Found row, bool even_if_handed_over,
                                       Release& release) const {
  if (auto here = is_here(row.held); !here) return failed(here.error());
  auto message = spool_->open_message(row.held.id);
  if (!message) return failed(message.error());
  const auto locked = message->lock();
  if (!locked) return failed(locked.error());
  if (!*locked) return failed(under_way(row));
  // The lock is ours: any other process that was releasing it has ended.
  release.message = std::move(*message);
  const auto handed_over = has_passed(database, row.token);
  if (!handed_over) return failed(handed_over.error());
  if (*handed_over && !even_if_handed_over) {
    return failed(Failure::Kind::refused,
                  "a release broke off after the message had passed the filter: the MTA may have "
                  "delivered it; look into its log");
  }
  release.held = row.held;
  release.id = row.held.id;
  if (release.recipients.empty()) release.recipients = still_waiting(row.held);
  return row;
}

Outcome<State> Store::finish_release(const Release& release, std::string_view reply, WallTime now,
                                     Taken taken) {
  State state = State::held;
  auto done = spool_->change([&](Change& change) -> Outcome<void> {
    unlock(release);
    auto& database = change.database();
    auto row = find_release(database, release);
    if (!row) return failed(row.error());
    auto& delivered_to = row->held.delivered_to;
    delivered_to.insert(delivered_to.end(), release.recipients.begin(), release.recipients.end());
    auto noted = database.run("UPDATE held SET delivered_to = ?2 WHERE number = ?1",
                              {row->number, join(delivered_to)});
    if (!noted) return failed(noted.error());
    const auto use = taken == Taken::by_queue ? TokenUse::queued : TokenUse::ended;
    if (auto ended = end_token(database, release.token, use); !ended) return ended;
    state = still_waiting(row->held).empty() ? State::delivered : State::held;
    if (auto set = set_state(database, *row, state, reply, now); !set) return set;
    if (auto noted_act =
            add_act(database, release.id, now, release.by,
                    "released to " + in_brackets(release.recipients) + ": " + std::string(reply));
        !noted_act) {
      return noted_act;
    }
    if (state == State::delivered) change.drop(release.id);
    return {};
  });
  if (!done) return failed(done.error());
  return state;
}

Outcome<void> Store::fail_release(const Release& release, std::string_view why, WallTime now,
                                  bool may_have_it) {
  return spool_->change([&](Change& change) -> Outcome<void> {
    unlock(release);
    auto& database = change.database();
    auto row = find_release(database, release);
    if (!row) return failed(row.error());
    if (!may_have_it) {
      if (auto used = use_token(database, release.token, TokenUse::over); !used) return used;
    }
    auto set = set_state(database, *row, State::held, why, now);
    if (set) {
      set = add_act(database, release.id, now, release.by,
                    "not released to " + in_brackets(release.recipients) + ": " + std::string(why));
    }
    if (!set || !may_have_it) return set;
    // The next release checks whether the filter has passed this one.
    auto kept =
        database.run("UPDATE held SET token = ?2 WHERE number = ?1", {row->number, release.token});
    if (!kept) return failed(kept.error());
    return {};
  });
}

Outcome<std::string> Store::consume_token(const session::ReleaseProof& proof, WallTime now) {
  std::string id;
  auto done =
      spool_->change([&](Change& change) { return let_pass(change.database(), proof, now, id); });
  if (!done) return failed(done.error());
  return id;
}

Outcome<void> Store::let_pass(Database& database, const session::ReleaseProof& proof, WallTime now,
                              std::string& id) const {
  const auto token = find_token(database, proof.token);
  if (!token) return failed(token.error());
  id = token->id;
  const auto row = find(database, id);
  if (!row && row.error().kind != Failure::Kind::not_found) return failed(row.error());
  if (token->use == TokenUse::over)
    return failed(Failure::Kind::unavailable,
                  "the release of " + id + " is over, or was taken over");
  // Under way, broken off, or without an answer of the MTA: in each case the message may be on its
  // way.
  const bool open = row && row->token == proof.token;
  if (open && token->use == TokenUse::open && token->time + broken_off_life < now) {
    const auto busy = is_being_released(id);
    if (!busy) return failed(busy.error());
    if (!*busy)
      return failed(Failure::Kind::unavailable, "the release of " + id + " broke off a while ago");
  }
  auto why = why_not(*token, proof, open, now);
  if (!why.empty()) return failed(Failure::Kind::refused, std::move(why));
  return use_token(database, proof.token, TokenUse::passed);
}

Outcome<bool> Store::is_being_released(const std::string& id) const {
  auto message = spool_->open_message(id);
  if (!message) {
    const auto kind = message.error().kind;
    // Then there is nothing to release.
    if (kind == Failure::Kind::not_found || kind == Failure::Kind::damaged) return false;
    return failed(message.error());
  }
  const auto locked = message->lock();
  if (!locked) return failed(locked.error());
  return !*locked;
}

}  // namespace sekisho::quarantine
