// quarantine/store.h: held messages: hold, list, release, remove, expire. Every change of a state
// happens exactly once, whichever processes ask for it at the same time: held → released →
// delivered, or back to held; held → deleted, and back while its file is there; held → expired.
// What people did is written down with it. A message that a client sends again within a day (same
// sender, recipients, header and body) becomes one row with a count. Files and rows are durable as
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

// A release under way. The message is given back to the MTA with the token, which the filter takes
// off again: see consume_token().
struct Release {
  std::string id;
  std::string token;  // 32 hex digits
  std::vector<std::string> recipients;
  HeldRow held;
  // Its file, locked until the release is finished or has failed. The lock goes with the process,
  // so a release that was killed is in nobody's way. Whoever lets a Release go unfinished has
  // broken it off.
  std::optional<spool::MessageFile> message{};
  std::string by{};  // who releases it
};

struct ReleaseRequest {
  std::string id;
  // Empty: all who do not have it yet. Others than those it was held for are allowed: a copy.
  std::vector<std::string> recipients;
  // Also when an earlier release broke off after the message had passed the filter, so that it may
  // have been delivered.
  bool even_if_handed_over = false;
  std::string by{};  // who releases it, for its record
};

// What is older than `keep`, and how many there are.
struct Due {
  std::uint64_t messages = 0;
  std::uint64_t all = 0;
  WallTime before;  // held until then
};

struct Expired {
  std::uint64_t messages = 0;
  // Anything but `go`: nothing was expired, for the clock cannot be trusted that much yet
  // (base/clock_looks.h).
  ClockLooks::Answer answer = ClockLooks::Answer::go;
  Due due = {};
};

class Store {
 public:
  // `alarm` is told each thing that an admin must know. One daemon is the owner; commands are
  // guests.
  static Outcome<std::unique_ptr<Store>> open(const Options& options, Access access,
                                              spool::Store::Alarm alarm);

  // The message as it arrives.
  spool::Draft draft() const { return spool_->draft(); }
  // Whether there is a message file of that id. Looks into the folder, which costs a microsecond.
  bool has(const std::string& id) const { return spool_->has_message(id); }
  // When the latest message was held of those that there is a row of; nothing when there is none.
  Outcome<std::optional<WallTime>> latest();
  // Never blocks; `done` is called once from another thread, when the message is durable or it is
  // clear that it is not. Stored::key is the id under which it is kept. Failure::Kind::limit:
  // max_size is reached; everything else is 4xx. What is no message with an id and recipients is
  // `refused` at once.
  void hold(spool::Draft draft, HeldRow held, const Detail& detail, spool::Store::Done done);

  // The latest first, until `each` says false. It may take its time: nothing is locked or open
  // meanwhile. What is held or changed while the list goes on may be in it or not; nothing is in it
  // twice.
  using Each = std::function<bool(const HeldRow&)>;
  Outcome<void> list(const Filter& filter, const Each& each);
  Outcome<std::vector<HeldRow>> list(const Filter& filter);
  // How many match, without regard to the limit.
  Outcome<std::uint64_t> count(const Filter& filter);
  // Also by the id of a repetition.
  Outcome<HeldMessage> get(const std::string& id);
  Outcome<spool::MessageFile> open_message(const std::string& id);

  // held → released. A release whose process is gone is taken over. `refused` says who has it, or
  // why not; `not_found` that there is no such message, or since when it is gone.
  Outcome<Release> begin_release(const ReleaseRequest& request, WallTime now);
  // The MTA has taken it: → delivered, or back to held while other recipients wait. `reply` is what
  // the MTA said. The token ends with the release: what comes by SMTP has met the filter by now.
  // What a queue has taken (sendmail(1)) has not: its token is good for a day more, and from this
  // host alone.
  enum class Taken { by_smtp, by_queue };
  Outcome<State> finish_release(const Release& release, std::string_view reply, WallTime now,
                                Taken taken = Taken::by_smtp);
  // It has not: back to held. `may_have_it`: the MTA had all of the message and did not say what
  // became of it; when the filter has passed it, or still does, the next release needs
  // even_if_handed_over.
  Outcome<void> fail_release(const Release& release, std::string_view why, WallTime now,
                             bool may_have_it = false);
  // The message of a release has come back through the MTA: its id, once, when header, body and
  // envelope are those that the token was made for. `refused`: it proves nothing. Everything else,
  // `unavailable` for a release that another one has taken over, or that broke off a while ago: the
  // message must neither pass nor be taken for another.
  Outcome<std::string> consume_token(const session::ReleaseProof& proof, WallTime now);

  // held → deleted; and released, when the process that was at it is gone. The file stays for
  // Options::keep_deleted, so that restore() can bring it back, or goes at once (`for_good`), also
  // when it was deleted before. `by`: who does it.
  Outcome<void> remove(const std::string& id, WallTime now, std::string_view by = {},
                       bool for_good = false);
  // deleted → held, while its file is there. `not_found`: it is gone, or was never deleted.
  Outcome<void> restore(const std::string& id, WallTime now, std::string_view by = {});
  // What else a person did with it.
  Outcome<void> add_note(const std::string& id, std::string_view what, WallTime now,
                         std::string_view by);
  // Expires what is older than `keep` (Options::keep when not given), and forgets the rows of what
  // is gone as long; for a person, who knows what time it is.
  Outcome<std::uint64_t> expire_now(WallTime now,
                                    std::optional<std::chrono::seconds> keep = std::nullopt);
  // By itself: what a clock says is believed as base/clock_looks.h has it. Looks of this boot are
  // remembered in the index.
  Outcome<Expired> expire(const ClockLook& now);
  // What expire_now() would expire.
  Outcome<Due> due(WallTime now, std::optional<std::chrono::seconds> keep = std::nullopt);

  Outcome<Stats> stats(WallTime now);
  Outcome<Findings> verify(bool contents) { return spool_->verify(contents); }
  spool::Health health() const { return spool_->health(); }

 private:
  bool has_file(const std::string& id) const;
  // Removes the files of what was deleted until then.
  Outcome<void> purge(WallTime before);
  // Within a transaction only.
  Outcome<bool> is_being_released(const std::string& id) const;
  Outcome<void> let_pass(spool::Database& database, const session::ReleaseProof& proof,
                         WallTime now, std::string& id) const;

  Store(Options options, std::unique_ptr<spool::Store> spool)
      : options_(std::move(options)), spool_(std::move(spool)) {}
  Options options_;
  std::unique_ptr<spool::Store> spool_;
};

}  // namespace sekisho::quarantine
