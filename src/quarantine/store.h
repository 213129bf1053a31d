// quarantine/store.h: held messages: hold, list, release, remove, expire. Every change of state
// happens exactly once, even if several processes ask for it at the same time: held → released →
// delivered, or back to held; held → deleted, and back while its file exists; held → expired. Acts
// of people are recorded with it. A message that a client sends again within a day (same sender,
// recipients, header and body) becomes one row with a count. Files and rows are durable as
// spool/store.h says.
// Errors: spool::Failure. Thread: any. All but hold() wait for the disk.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/clock_looks.h"
#include "quarantine/held.h"
#include "quarantine/options.h"
#include "session/ports.h"
#include "spool/store.h"

namespace sekisho::quarantine {

using spool::Access;
using spool::Failure;
using spool::Findings;
using spool::Outcome;

struct Found;  // quarantine/row.h

// A release under way. The message is given back to the MTA with the token, which the filter
// removes again: see consume_token().
struct Release {
  std::string id;
  std::string token;  // 32 hex digits
  std::vector<std::string> recipients;
  HeldRow held;
  // Its file, locked until the release is finished or has failed. The lock ends with the process,
  // so a killed release blocks nobody. A Release that is destroyed unfinished counts as broken off.
  std::optional<spool::MessageFile> message{};
  std::string by{};  // who releases it
};

struct ReleaseRequest {
  std::string id;
  // Empty: all who do not have it yet. Other recipients are allowed too: they get a copy.
  std::vector<std::string> recipients;
  // Release even if an earlier release broke off after the message had passed the filter, so that
  // it may have been delivered.
  bool even_if_handed_over = false;
  std::string by{};  // who releases it, for its record
};

// The messages older than `keep`, and their number.
struct Due {
  std::uint64_t messages = 0;
  std::uint64_t all = 0;
  WallTime before;  // held until then
};

struct Expired {
  std::uint64_t messages = 0;
  // Other than `go`: nothing was expired, because the clock cannot be trusted yet
  // (base/clock_looks.h).
  ClockLooks::Answer answer = ClockLooks::Answer::go;
  Due due = {};
};

class Store {
 public:
  // `alarm` is called for each thing that an admin must know. One daemon is the owner; commands are
  // guests.
  static Outcome<std::unique_ptr<Store>> open(const Options& options, Access access,
                                              spool::Store::Alarm alarm);
  // On an open store with quarantine's Tables among its own. Statements below about all files,
  // their size and health cover the whole store.
  Store(Options options, std::shared_ptr<spool::Store> spool)
      : options_(std::move(options)), spool_(std::move(spool)) {}

  // A new message, to be filled as it arrives.
  spool::Draft draft() const { return spool_->draft(); }
  // Whether there is a message file of that id. Looks into the folder, which costs a microsecond.
  bool has(const std::string& id) const { return spool_->has_message(id); }
  // The time of the latest held message with a row; nullopt if there is none.
  Outcome<std::optional<WallTime>> latest();
  // Never blocks; `done` is called once from another thread, when the message is durable or has
  // failed. Stored::key is the id under which it is kept. Failure::Kind::limit: max_size is
  // reached; everything else is 4xx. A message without an id or recipients is `refused` at once.
  void hold(spool::Draft draft, HeldRow held, const Detail& detail, spool::Store::Done done);

  // Lists the latest first, until `each` returns false. `each` may be slow: nothing is locked or
  // open meanwhile. Messages that are held or changed meanwhile may be listed or not; none is
  // listed twice.
  using Each = std::function<bool(const HeldRow&)>;
  Outcome<void> list(const Filter& filter, const Each& each);
  Outcome<std::vector<HeldRow>> list(const Filter& filter);
  // How many match, regardless of the limit.
  Outcome<std::uint64_t> count(const Filter& filter);
  // The id may also be that of a repetition.
  Outcome<HeldMessage> get(const std::string& id);
  Outcome<spool::MessageFile> open_message(const std::string& id);

  // held → released. A release whose process is gone is taken over. `refused` names the process
  // that releases it, or the reason; `not_found`: there is no such message, or since when it is
  // gone.
  Outcome<Release> begin_release(const ReleaseRequest& request, WallTime now);
  // The MTA has taken it: → delivered, or back to held while other recipients wait. `reply` is the
  // answer of the MTA. By SMTP the filter has seen the message by now, so the token ends with the
  // release. After sendmail(1) the message is only queued: its token is good for a day more, and
  // only from this host.
  enum class Taken { by_smtp, by_queue };
  Outcome<State> finish_release(const Release& release, std::string_view reply, WallTime now,
                                Taken taken = Taken::by_smtp);
  // The MTA has not taken it: back to held. `may_have_it`: the MTA had all of the message and did
  // not answer; if the filter has passed it, or still does, the next release needs
  // even_if_handed_over.
  Outcome<void> fail_release(const Release& release, std::string_view why, WallTime now,
                             bool may_have_it = false);
  // The message of a release has come back through the MTA. Returns its id, once, if header, body
  // and envelope are those of the token. `refused`: the token proves nothing. Any other failure
  // (`unavailable` for a release that was taken over, or broke off a while ago): the message must
  // be deferred.
  Outcome<std::string> consume_token(const session::ReleaseProof& proof, WallTime now);

  // held → deleted; also from released, if the process of that release has ended. The file stays
  // for Options::keep_deleted, so that restore() can bring it back, or is removed at once
  // (`for_good`), also if it was deleted before. `by`: the person.
  Outcome<void> remove(const std::string& id, WallTime now, std::string_view by = {},
                       bool for_good = false);
  // deleted → held, while its file exists. `not_found`: it is gone, or was never deleted.
  Outcome<void> restore(const std::string& id, WallTime now, std::string_view by = {});
  // Records another act of a person.
  Outcome<void> add_note(const std::string& id, std::string_view what, WallTime now,
                         std::string_view by);
  // Expires messages older than `keep`, and removes rows that ended as long ago. By default
  // Options::keep, for what verdicts hold: rule=forward was accepted, and stays. Trusts the clock:
  // for a person, who knows the time.
  Outcome<std::uint64_t> expire_now(WallTime now,
                                    std::optional<std::chrono::seconds> keep = std::nullopt);
  // The same for the daemon: the clock is trusted only as in base/clock_looks.h. Looks of this boot
  // are kept in the index.
  Outcome<Expired> expire(const ClockLook& now);
  // The messages that expire_now() would expire.
  Outcome<Due> due(WallTime now, std::optional<std::chrono::seconds> keep = std::nullopt);

  Outcome<Stats> stats(WallTime now);
  Outcome<Findings> verify(bool contents) { return spool_->verify(contents); }
  spool::Health health() const { return spool_->health(); }

 private:
  bool has_file(const std::string& id) const;
  // Only within a transaction.
  Outcome<bool> is_kept(spool::Database& database, const HeldRow& held) const;
  Outcome<void> remove_here(spool::Change& change, const Found& row, WallTime now,
                            std::string_view by, bool for_good) const;
  // Takes the message's lock for a release, and updates its row.
  Outcome<Found> lock_for_release(spool::Database& database, Found row, bool even_if_handed_over,
                                  Release& release) const;
  // Removes the files of messages deleted before then.
  Outcome<void> purge(WallTime before);
  Outcome<bool> is_being_released(const std::string& id) const;
  Outcome<void> let_pass(spool::Database& database, const session::ReleaseProof& proof,
                         WallTime now, std::string& id) const;

  Options options_;
  std::shared_ptr<spool::Store> spool_;
};

}  // namespace sekisho::quarantine
