#include "session/keep.h"

#include <algorithm>
#include <string>
#include <utility>

#include "session/hop.h"
#include "session/results.h"

namespace sekisho::session {

namespace {

std::string digest_of(const mail::Header& header) {
  crypto::Sha256 digest;
  for (const auto& field : header.fields()) {
    digest.update(field.name);
    digest.update(":");
    digest.update(field.value);
    digest.update("\r\n");
  }
  return std::string(digest.finish().view());
}

void refuse(Outcome& outcome, mail::SmtpReply reply, const std::string& reason) {
  auto decision = outcome.verdict.message;
  decision.action = reply.permanent() ? policy::Action::reject : policy::Action::tempfail;
  decision.reason += "; " + reason;
  decision.reply = std::move(reply);
  outcome.verdict.message = decision;
  for (auto& recipient : outcome.verdict.recipients) recipient.decision = decision;
  outcome.verdict.edits.clear();
  outcome.held = Outcome::Held::no;
  outcome.recipients_held.clear();
}

// Applies [quarantine] when_full.
void apply_full(WhenFull when_full, const std::string& id, Outcome& outcome) {
  const std::string reason = "the quarantine is full";
  // A relay of ours is never answered 5xx: it would bounce.
  const bool relayed = outcome.facts.relay.has_value();
  if (when_full == WhenFull::tempfail || (when_full == WhenFull::reject && relayed)) {
    refuse(outcome, mail::SmtpReply(452, "4.3.1", "cannot be kept now, try again later" + id),
           reason);
  } else if (when_full == WhenFull::reject) {
    refuse(outcome, mail::SmtpReply(550, "5.7.1", "rejected by local policy" + id), reason);
  } else {
    outcome.held = Outcome::Held::by_mta;
    outcome.recipients_held.clear();
  }
}

}  // namespace

bool must_be_kept(const Outcome& outcome, const Keeping* keeping) {
  if (outcome.held == Outcome::Held::some || outcome.held == Outcome::Held::whole) return true;
  const auto action = outcome.verdict.message.action;
  return keeping != nullptr && keeping->keeps_accepted() && action != policy::Action::reject &&
         action != policy::Action::tempfail;
}

KeepRequest keep_request(Message& message, const Connected& connected, const Outcome& outcome,
                         bool keeps_accepted) {
  KeepRequest request{
      .outcome = outcome,
      .received = received_field(outcome.facts, connected.client,
                                 connected.own_name(*message.snapshot), message.how),
      .subject = first_field(message.header, "Subject"),
      .message_id = first_field(message.header, "Message-ID"),
      .dated =
          message.header.first("Date") != nullptr || message.header.first("Message-ID") != nullptr,
      .mail_parameters = message.mail_parameters,
      .held = {},
      .accepted = {},
      .content = std::move(message.draft),
      .header_sha256 = digest_of(message.header),
      .body_sha256 = std::string(message.body_digest->so_far().view()),
      .removals = forged_removals(message)};
  const auto& held = outcome.recipients_held;
  for (const auto& recipient : message.envelope) {
    if (std::find(held.begin(), held.end(), recipient.path.raw()) != held.end()) {
      request.held.push_back(recipient);
    } else if (keeps_accepted) {
      request.accepted.push_back(recipient);
    }
  }
  return request;
}

void apply(const HoldResult& result, const QuarantineOptions& options, bool keeps_accepted,
           Counters& counters, Outcome& outcome) {
  if (result.code == HoldCode::held) return;
  ++counters.not_held;
  const std::string id = " (id=" + outcome.facts.id + ")";
  const bool quarantined =
      outcome.held == Outcome::Held::some || outcome.held == Outcome::Held::whole;
  switch (result.code) {
    case HoldCode::held:
      break;
    case HoldCode::failed:
      refuse(outcome, mail::SmtpReply(451, "4.3.0", "cannot be kept now, try again later" + id),
             (quarantined ? "the quarantine could not store it: " : "it could not be stored: ") +
                 result.reason);
      break;
    case HoldCode::full:
      if (quarantined) {
        // Without an MTA in front of us, no MTA can hold the message instead.
        const bool no_mta = keeps_accepted && options.when_full == WhenFull::mta;
        return apply_full(no_mta ? WhenFull::tempfail : options.when_full, id, outcome);
      }
      refuse(outcome, mail::SmtpReply(452, "4.3.1", "cannot be kept now, try again later" + id),
             "the store is full");
      break;
  }
}

}  // namespace sekisho::session
