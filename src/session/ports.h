// session/ports.h: the interfaces that a session needs besides the DNS: where decisions are
// recorded, where deferrals outlive the daemon, and where messages are held.
// Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/words.h"
#include "mail/path.h"
#include "policy/facts.h"
#include "policy/verdict.h"
#include "session/outcome.h"

namespace sekisho::session {

struct Decided;

// Where decisions are recorded. Best effort: it must not block for long, and cannot change a
// verdict.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void decided(std::shared_ptr<const Decided> decided) = 0;
};

// A deferred sender.
struct Deferral {
  std::string key;      // of sender and author: 16 octets
  std::string network;  // of the first attempt: "192.0.2.0/24"
  WallTime first;
  bool operator==(const Deferral&) const = default;
};

// Where deferrals outlive the daemon. Best effort: it must not block, and cannot change a verdict.
class DeferralKeeper {
 public:
  virtual ~DeferralKeeper() = default;
  virtual void add(Deferral deferral) = 0;
};

// The octets of a message as they arrive, in case it must be kept. Its destructor removes them.
// Thread: one owner.
class Draft {
 public:
  virtual ~Draft() = default;
  // A failed write (a full disk) is reported by keep(), if the message must be kept.
  virtual void append(std::string_view octets) = 0;
};

// A recipient as RCPT named it, with its parameters: "NOTIFY=NEVER".
struct Recipient {
  mail::Path path;
  std::vector<std::string> parameters = {};
};

// A message that we must keep.
struct KeepRequest {
  const Outcome& outcome;
  std::string received;  // the value of our Received field, for the top
  std::string subject;   // unfolded
  std::string message_id;
  bool dated = true;                         // it has a Date or a Message-ID
  std::vector<std::string> mail_parameters;  // "BODY=8BITMIME"
  std::vector<Recipient> held;               // recipients for whom it is quarantined
  // Recipients for whom it is accepted; empty if an MTA delivers to them.
  std::vector<Recipient> accepted;
  std::unique_ptr<Draft> content;      // the header as received, an empty line, the body
  std::string header_sha256;           // 32 octets; of the header as received
  std::string body_sha256;             // 32 octets
  std::vector<policy::Edit> removals;  // of forged fields, from the last to the first
};

// `full`: the store has no room, and [quarantine] when_full applies. `failed`: a temporary failure.
enum class HoldCode { held, full, failed };
constexpr auto words_of(HoldCode) {
  return words<HoldCode>(
      {{HoldCode::held, "held"}, {HoldCode::full, "full"}, {HoldCode::failed, "failed"}});
}
struct HoldResult {
  HoldCode code = HoldCode::failed;
  std::string reason;  // for the log, when it is not held
};

// "ID TOKEN": the field with which a message says that it comes out of our own store.
inline constexpr std::string_view release_field = "X-Sekisho-Release";
struct ReleaseProof {
  std::string id;
  std::string token;
  std::string body_sha256;  // 32 octets
  std::string header;       // as received
  std::string mail_from;
  std::vector<std::string> recipients;
  std::vector<std::string> own_domains;  // that the MTA may have added to bare names
  bool from_this_host = false;           // from here: not another client with the token
};

// A message that the store has released.
struct Released {
  std::string id;                      // under which it was held
  std::string authentication_results;  // our field of the first time
};
// nullopt: the proof is not valid. Error: the store could not tell, or the release is still under
// way; the message must be deferred.
using TakenBack = Expected<std::optional<Released>, std::string>;

// Keeps messages. Beside an MTA it is the quarantine store, for held messages. For a front without
// an MTA, whose answer promises delivery, it is a place for every message. Callbacks come once, on
// any thread, or before the call returns.
class Keeping {
 public:
  virtual ~Keeping() = default;
  // Whether accepted messages are kept too, so that none is answered before it is durable.
  virtual bool keeps_accepted() const { return false; }
  virtual std::unique_ptr<Draft> begin() = 0;
  // Whether a message of that id is kept: another one needs another id. Must not wait.
  virtual bool has(const std::string& /*id*/) const { return false; }
  // `done` gets `held` when the message is durable, and not before. References in `message` are
  // read before keep() returns.
  virtual void keep(KeepRequest message, std::function<void(HoldResult)> done) = 0;
  // Consumes the proof; yields a value at most once for each release.
  virtual void take_back(ReleaseProof proof, std::function<void(TakenBack)> done) = 0;
};

}  // namespace sekisho::session
