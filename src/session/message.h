// session/message.h: what a Session knows of one message, from MAIL FROM to its outcome; or the
// lookups that begin before there is one. Only the .cc files of session/ include it.
// Thread: one owner.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/digest.h"
#include "session/checks.h"
#include "session/decided.h"
#include "session/dns_list_checks.h"
#include "session/edits.h"
#include "session/hop.h"
#include "session/said_release.h"

namespace sekisho::session {

struct Message {
  // `replayed`: the record of which this is a replay, or nullptr; must outlive this object.
  Message(std::shared_ptr<const Snapshot> configuration, crypto::KeyCache& keys, WallTime now,
          std::function<void()> notify, const Decided* replayed)
      : snapshot(std::move(configuration)),
        recorded(replayed),
        connected(now),
        checks(snapshot, keys, now, std::move(notify),
               replayed != nullptr ? &replayed->inputs : nullptr) {}

  bool evaluated() const { return facts.exemption == policy::Exemption::none; }
  // Whether the message may have passed through us before. A login identifies a user, but does not
  // make the client one of our hosts.
  bool trusted() const {
    return facts.exemption == policy::Exemption::trusted_network ||
           facts.exemption == policy::Exemption::unix_socket;
  }
  // A replay of an incomplete header: the values read from it are taken from the record.
  bool recorded_in_part() const { return recorded != nullptr && recorded->inputs.left_out > 0; }

  std::shared_ptr<const Snapshot> snapshot;
  const Decided* recorded;
  SteadyTime began = steady_now();
  std::optional<SteadyTime> ended;  // when the end of the message came
  WallTime connected;
  bool authenticated = false;
  policy::Facts facts;
  mail::Header header;
  std::optional<ForgedFields> forged;
  std::vector<std::string> malformed_lines;
  std::vector<std::string> mail_parameters;
  Transmission how;
  std::vector<Recipient> envelope;  // facts.recipients, with their parameters

  // The facts when the first recipient was refused.
  std::optional<policy::Facts> at_refusal;
  // facts.refused_recipients, and why.
  std::vector<policy::RecipientDecision> refused;

  // The message gets a 4xx for it, whatever follows.
  std::optional<std::string> failure;

  // The octets of the message, if it may have to be kept.
  std::unique_ptr<Draft> draft;
  // The digest that a release is bound to; set if there is a draft or a release.
  std::optional<crypto::Sha256> body_digest;

  std::optional<SaidRelease> release;
  // The answer of the store.
  std::optional<HoldResult> hold_result;

  // Last, because their lookups refer to the members above.
  Checks checks;
  std::optional<DnsListChecks> lists;
};

}  // namespace sekisho::session
