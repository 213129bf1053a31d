#include "quarantine/store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/random.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "quarantine/bound_header.h"
#include "quarantine/resend.h"
#include "quarantine/service.h"
#include "quarantine/tables.h"

namespace sekisho::quarantine {

using spool::Change;
using spool::Database;
using spool::failed;
using spool::Row;

namespace {

// Texts of a sender's in a row. RFC 5322 §2.1.1 asks for lines of 78; more than this nobody reads
// in a list.
constexpr std::size_t text_octets = 512;

// An MTA that takes a released message over its queue brings it to the filter within its own
// retries.
constexpr std::chrono::hours queue_life{24};

// How long the message of a release whose process is gone may still be on its way: an MTA has its
// end by then (RFC 5321 §4.5.3.2.6 gives it ten minutes).
constexpr std::chrono::minutes broken_off_life{10};

// More than any header that an MTA lets through.
constexpr std::uint64_t header_octets = 8ULL * 1024 * 1024;

// Not within a character of UTF-8.
std::string cut(std::string text) {
  if (text.size() <= text_octets) return text;
  std::size_t end = text_octets;
  const auto continues = [&] { return (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U; };
  while (end > text_octets - 4 && continues()) --end;
  text.resize(end);
  return text;
}

// Domains without regard to case, in any order, each once.
std::string canonical(std::vector<std::string> recipients) {
  for (auto& recipient : recipients) {
    const auto at = recipient.rfind('@');
    if (at != std::string::npos)
      recipient = recipient.substr(0, at) + ascii::lower(recipient.substr(at));
  }
  std::sort(recipients.begin(), recipients.end());
  recipients.erase(std::unique(recipients.begin(), recipients.end()), recipients.end());
  return join(recipients);
}

std::string envelope_of(const std::string& mail_from, const std::vector<std::string>& recipients) {
  return canonical({mail_from}) + "\n\n" + canonical(recipients);
}

Outcome<std::string> make_token() {
  std::array<char, 16> octets{};
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
    return failed(spool::failure_of_errno(errno, "draw a token"));
  return hex_encode({octets.data(), octets.size()});
}

struct Found {
  std::int64_t number = 0;
  HeldRow held;
  std::string token;
  pid_t process = 0;
};

Outcome<Found> find(Database& database, std::string_view id) {
  if (!is_id(id)) return failed(Failure::Kind::refused, "not the id of a decision");
  std::optional<Found> found;
  auto read = database.query("SELECT " SEKISHO_HELD_COLUMNS
                             ", number, token, process FROM held"
                             " WHERE id = ?1 OR id = (SELECT same_as FROM repeats WHERE id = ?1)",
                             {id}, [&](const Row& row) {
                               found.emplace();
                               read_row(row, found->held);
                               found->number = row.integer(20);
                               found->token = row.text(21);
                               found->process = static_cast<pid_t>(row.integer(22));
                               return true;
                             });
  if (!read) return failed(read.error());
  if (!found) return failed(Failure::Kind::not_found, "nothing is held under that id");
  return std::move(*found);
}

Outcome<void> set_state(Database& database, const Found& row, State state, std::string_view remark,
                        WallTime now) {
  auto changed = database.run(
      "UPDATE held SET state = ?2, changed = ?3, remark = ?4, token = '', process = 0"
      " WHERE number = ?1",
      {row.number, to_string(state), seconds(now), remark});
  if (!changed) return failed(changed.error());
  return {};
}

// Whether there is a message still.
Outcome<void> is_here(const HeldRow& held) {
  if (held.state == State::held || held.state == State::released) return {};
  return failed(Failure::Kind::not_found, "it is " + std::string(to_string(held.state)) +
                                              " since " + to_iso8601(held.changed));
}

// The number only tells a person where to look. Without one, the index was made again during the
// release.
Failure under_way(const Found& row) {
  if (row.process == 0) return {Failure::Kind::refused, "another process is releasing it"};
  return {Failure::Kind::refused, "process " + std::to_string(row.process) +
                                      " is releasing it, since " + to_iso8601(row.held.changed)};
}

// The header of a token that is not good for anything any more is let go.
Outcome<void> use_token(Database& database, std::string_view token, TokenUse use) {
  auto changed = database.run("UPDATE tokens SET used = ?2, header = '' WHERE token = ?1",
                              {token, static_cast<std::int64_t>(use)});
  if (!changed) return failed(changed.error());
  return {};
}

// At the end of its release, unless the filter has seen it.
Outcome<void> end_token(Database& database, std::string_view token, TokenUse use) {
  auto changed = database.run(
      "UPDATE tokens SET used = ?2, header = CASE ?2 WHEN ?4 THEN header ELSE '' END"
      " WHERE token = ?1 AND used = ?3",
      {token, static_cast<std::int64_t>(use), static_cast<std::int64_t>(TokenUse::open),
       static_cast<std::int64_t>(TokenUse::queued)});
  if (!changed) return failed(changed.error());
  return {};
}

struct Token {
  std::string id;
  std::string body_hash;
  std::string envelope;
  std::string header;
  WallTime time{};
  TokenUse use = TokenUse::open;
};

Outcome<Token> find_token(Database& database, std::string_view text) {
  std::optional<Token> found;
  auto read = database.query(
      "SELECT id, body_hash, recipients, header, time, used FROM tokens WHERE token = ?1", {text},
      [&](const Row& row) {
        found = Token{std::string(row.text(0)), std::string(row.text(1)),
                      std::string(row.text(2)), std::string(row.text(3)),
                      time_of(row.integer(4)),  static_cast<TokenUse>(row.integer(5))};
        return true;
      });
  if (!read) return failed(read.error());
  if (!found) return failed(Failure::Kind::refused, "no release has that token");
  return std::move(*found);
}

// Why a token lets nothing pass, as its use goes.
std::string why_over(const Token& token, const session::ReleaseProof& proof, bool open,
                     WallTime now) {
  switch (token.use) {
    case TokenUse::passed:
      return "the message of that token has passed already";
    case TokenUse::open:
      return open ? "" : "the release has ended";
    case TokenUse::queued:
      if (token.time + queue_life < now) return "the token is older than a day";
      return proof.from_this_host ? "" : "it comes from another host than the release";
    case TokenUse::over:
    case TokenUse::ended:
      break;
  }
  return "the release has ended";
}

// Why the message is not the one that the token was made for; empty when it is. `open`: its release
// is not over.
std::string why_not(const Token& token, const session::ReleaseProof& proof, bool open,
                    WallTime now) {
  if (auto why = why_over(token, proof, open, now); !why.empty()) return why;
  if (token.body_hash != hex_encode(proof.body_sha256))
    return "the body is not the one that was released";
  if (token.envelope != envelope_of(proof.mail_from, proof.recipients))
    return "sender or recipients are not those it was released with";
  if (auto difference = header_difference(token.header, proof); !difference.empty())
    return "the header is not the one that was released: " + difference;
  return "";
}

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

Outcome<bool> was_handed_over(Database& database, const std::string& token) {
  bool used = false;
  auto read =
      database.query("SELECT used FROM tokens WHERE token = ?1", {token}, [&](const Row& row) {
        used = row.integer(0) == static_cast<std::int64_t>(TokenUse::passed);
        return true;
      });
  if (!read) return failed(read.error());
  return used;
}

std::vector<std::string> still_waiting(const HeldRow& held) {
  std::vector<std::string> waiting;
  for (const auto& recipient : held.recipients) {
    if (std::find(held.delivered_to.begin(), held.delivered_to.end(), recipient) ==
        held.delivered_to.end()) {
      waiting.push_back(recipient);
    }
  }
  return waiting;
}

std::string in_brackets(const std::vector<std::string>& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    text.append(text.empty() ? "<" : ", <").append(address).append(">");
  }
  return text;
}

bool has_line_end(const std::string& text) { return text.find('\n') != std::string::npos; }

// All look for the lock, take it and let it go within a transaction, which is one at a time: so
// nobody takes a lock that is there just to look for a release, and who finds none finds the state
// that the release has left.
void let_go(const Release& release) {
  if (release.message) release.message->unlock();
}

// The row of a release, as long as it is this one's.
Outcome<Found> find_release(Database& database, const Release& release) {
  auto row = find(database, release.id);
  if (row && (row->held.state != State::released || row->token != release.token))
    return failed(Failure::Kind::refused, "this release was taken over, or is finished");
  return row;
}

}  // namespace

Outcome<std::unique_ptr<Store>> Store::open(const Options& options, Access access,
                                            spool::Store::Alarm alarm) {
  spool::Options below;
  below.dir = options.dir;
  below.max_size = options.max_size;
  auto opened =
      spool::Store::open(below, access, std::make_shared<const Tables>(), std::move(alarm));
  if (!opened) return failed(opened.error());
  return std::unique_ptr<Store>(new Store(options, std::move(*opened)));
}

void Store::hold(spool::Draft draft, HeldRow held, const Detail& detail, spool::Store::Done done) {
  if (!is_id(held.id) || held.recipients.empty() ||
      std::any_of(held.recipients.begin(), held.recipients.end(), has_line_end)) {
    done(failed(Failure::Kind::refused, "not a message that can be held: no id or no recipients"));
    return;
  }
  held.author = cut(std::move(held.author));
  held.subject = cut(std::move(held.subject));
  held.message_id = cut(std::move(held.message_id));
  spool_->put(std::move(draft), held.id, record_of(held, detail), std::move(done));
}

Outcome<HeldMessage> Store::get(const std::string& id) {
  HeldMessage message;
  auto read = spool_->read([&](Database& database) -> Outcome<void> {
    auto row = find(database, id);
    if (!row) return failed(row.error());
    message.held = std::move(row->held);
    auto acts = acts_of(database, message.held.id);
    if (!acts) return failed(acts.error());
    message.acts = std::move(*acts);
    return database.query(
        "SELECT envelope, decision FROM held_detail WHERE number = ?1", {row->number},
        [&](const Row& detail) {
          message.detail = {std::string(detail.text(0)), std::string(detail.text(1))};
          return true;
        });
  });
  if (!read) return failed(read.error());
  message.held.expires = message.held.time + options_.keep;
  if (message.held.state == State::deleted && has_file(message.held.id)) {
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

Outcome<Release> Store::begin_release(const ReleaseRequest& request, WallTime now) {
  auto token = make_token();
  if (!token) return failed(token.error());
  Release release{request.id, *token, request.recipients, {}};
  release.by = request.by;
  if (std::any_of(release.recipients.begin(), release.recipients.end(), has_line_end))
    return failed(Failure::Kind::refused, "a recipient with a line end");
  auto done = spool_->change([&](Change& change) -> Outcome<void> {
    auto& database = change.database();
    auto row = find(database, request.id);
    if (!row) return failed(row.error());
    if (auto here = is_here(row->held); !here) return here;
    auto message = spool_->open_message(row->held.id);
    if (!message) return failed(message.error());
    const auto locked = message->lock();
    if (!locked) return failed(locked.error());
    if (!*locked) return failed(under_way(*row));
    // From here on whoever else was releasing it is gone.
    release.message = std::move(*message);
    const auto handed_over = was_handed_over(database, row->token);
    if (!handed_over) return failed(handed_over.error());
    if (*handed_over && !request.even_if_handed_over) {
      return failed(Failure::Kind::refused,
                    "a release broke off after the message had passed the filter: the MTA may have "
                    "delivered it; look into its log");
    }
    release.held = row->held;
    release.id = row->held.id;
    if (release.recipients.empty()) release.recipients = still_waiting(row->held);
    auto changed = database.run(
        "UPDATE held SET state = 'released', changed = ?2, token = ?3, process = ?4"
        " WHERE number = ?1",
        {row->number, seconds(now), release.token, std::int64_t{::getpid()}});
    const auto header = released_header(database, *release.message, row->number);
    if (!header) return failed(header.error());
    if (changed) {
      changed = database.run(
          "INSERT INTO tokens (token, id, body_hash, recipients, header, time, used)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
          {release.token, release.id, row->held.body_hash,
           envelope_of(row->held.mail_from, release.recipients), *header, seconds(now)});
    }
    if (!changed) return failed(changed.error());
    // The message of a release that broke off may still be on its way.
    return use_token(database, row->token, TokenUse::over);
  });
  if (!done) return failed(done.error());
  release.held.state = State::released;
  release.held.expires = release.held.time + options_.keep;
  return Outcome<Release>(std::move(release));
}

Outcome<State> Store::finish_release(const Release& release, std::string_view reply, WallTime now,
                                     Taken taken) {
  State state = State::held;
  auto done = spool_->change([&](Change& change) -> Outcome<void> {
    let_go(release);
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
    if (state == State::delivered) return change.drop(release.id);
    return {};
  });
  if (!done) return failed(done.error());
  return state;
}

Outcome<void> Store::fail_release(const Release& release, std::string_view why, WallTime now,
                                  bool may_have_it) {
  return spool_->change([&](Change& change) -> Outcome<void> {
    let_go(release);
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
    // The next release looks whether the filter has passed this one.
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
  // Under way, broken off, or without an answer of the MTA's: in each case the message may be on
  // its way.
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
    // There is nothing to release then.
    if (kind == Failure::Kind::not_found || kind == Failure::Kind::damaged) return false;
    return failed(message.error());
  }
  const auto locked = message->lock();
  if (!locked) return failed(locked.error());
  return !*locked;
}

Outcome<void> Store::remove(const std::string& id, WallTime now, std::string_view by,
                            bool for_good) {
  for_good |= options_.keep_deleted == std::chrono::seconds(0);
  return spool_->change([&](Change& change) -> Outcome<void> {
    auto row = find(change.database(), id);
    if (!row) return failed(row.error());
    if (for_good && row->held.state == State::deleted && has_file(row->held.id)) {
      if (auto noted = add_act(change.database(), row->held.id, now, by, "deleted for good");
          !noted)
        return noted;
      return change.drop(row->held.id);
    }
    if (auto here = is_here(row->held); !here) return here;
    const auto busy = is_being_released(row->held.id);
    if (!busy) return failed(busy.error());
    if (*busy) return failed(under_way(*row));
    // Of a message whose file is missing nothing can be brought back.
    const bool gone = for_good || !has_file(row->held.id);
    if (auto ended = end_releases(change.database(), row->held.id); !ended) return ended;
    if (auto set = set_state(change.database(), *row, State::deleted, row->held.remark, now); !set)
      return set;
    auto noted =
        add_act(change.database(), row->held.id, now, by, gone ? "deleted for good" : "deleted");
    if (!noted || !gone) return noted;
    return change.drop(row->held.id);
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
    if (!has_file(row->held.id)) {
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
