// session/message.h: what a Session knows of one message, from MAIL FROM to its outcome; or the
// lookups that begin before there is one. Only session.cc and conclude.cc include it. Thread: one
// owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/digest.h"
#include "session/dns_list_checks.h"
#include "session/edits.h"
#include "session/session.h"

namespace sekisho::session {

// How a failure begins that is none of ours: the store wants the message later, or not at all.
inline constexpr std::string_view put_off = "put off: ";

// A message that says that it comes out of our store: what it said, and what the store said.
struct SaidRelease {
  ReleaseProof proof;  // its header as far as it has come, at most twice what we keep of one
  enum class State { unasked, asked, answered } state = State::unasked;
  SteadyTime until = SteadyTime::max();  // asked: when the store has had its time
  std::optional<std::string> results;    // proven: our field of the first time
};

struct Session::Message {
  Message(std::shared_ptr<const Snapshot> configuration, crypto::KeyCache& keys, WallTime now,
          std::function<void()> notify, const Inputs* recorded)
      : snapshot(std::move(configuration)),
        connected(now),
        checks(snapshot, keys, now, std::move(notify), recorded) {}

  std::shared_ptr<const Snapshot> snapshot;
  SteadyTime began = steady_now();
  std::optional<SteadyTime> ended;  // when the end of the message came
  WallTime connected;
  bool authenticated = false;
  policy::Facts facts;
  mail::Header header;
  std::optional<ForgedFields> forged;
  std::vector<std::string> malformed_lines;
  std::vector<std::string> mail_parameters;
  std::vector<Recipient> envelope;  // facts.recipients, with their parameters

  // A RCPT that waits for its answer.
  struct Asking {
    Recipient recipient;
    StepDone done;
    SteadyTime until;  // what has not answered by then does not refuse
  };
  std::optional<Asking> asking;
  // What was known when the first recipient was refused.
  std::optional<policy::Facts> at_refusal;
  // facts.refused_recipients, and why.
  std::vector<policy::RecipientDecision> refused;

  Done done;
  std::optional<std::string> failure;

  // Where a message may have to be held in our own store, its octets.
  std::unique_ptr<Draft> draft;
  // What a release is bound to, where there is a draft or a release.
  std::optional<crypto::Sha256> body_digest;

  std::optional<SaidRelease> release;
  // What the store said when the message was to be held.
  std::optional<HoldResult> hold_result;

  // Last, for their lookups refer to what stands above.
  Checks checks;
  std::optional<DnsListChecks> lists;
};

struct Session::Storing {
  std::unique_ptr<Message> message;
  Outcome outcome;
  SteadyTime deadline;
};

}  // namespace sekisho::session
