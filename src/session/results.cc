#include "session/results.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "authres/compose.h"
#include "session/own_fields.h"

namespace sekisho::session {

namespace {

// The decision whose disposition the fields of a delivered copy show: with some recipients held in
// our store, the most severe one of the others.
const policy::Decision& delivered_as(const Outcome& outcome) {
  if (outcome.held != Outcome::Held::some) return outcome.verdict.message;
  const policy::Decision* hardest = nullptr;
  for (const auto& [to, decision] : outcome.verdict.recipients) {
    if (decision.action == policy::Action::quarantine) continue;
    if (hardest == nullptr || decision.action > hardest->action) hardest = &decision;
  }
  return *hardest;
}

std::string results_text(const Message& message, const Connected& connected,
                         const policy::Facts& facts) {
  if (facts.exemption == policy::Exemption::released) return *message.release->results;
  if (facts.exemption != policy::Exemption::none) return {};
  authres::Inputs inputs;
  inputs.authserv_id = connected.own_name(*message.snapshot);
  inputs.decision_id = facts.id;
  if (facts.client.address) inputs.client_address = facts.client.address->text();
  if (facts.iprev.code != client::IprevCode::none) inputs.iprev = &facts.iprev;
  if (facts.client.address) {
    inputs.helo = &facts.spf_helo;
    inputs.mail_from = &facts.spf_mail_from;
  }
  inputs.mail_from_address = facts.mail_from.raw();
  inputs.dkim = &facts.dkim;
  inputs.dmarc = &facts.dmarc;
  inputs.author_malformed = !facts.author.well_formed();
  inputs.author_sloppy = facts.author.readable();
  return authres::write(authres::compose(inputs));
}

std::vector<policy::Edit> recorded_removals(const Decided& recorded) {
  auto edits = recorded.outcome.verdict.edits;
  std::erase_if(edits,
                [](const policy::Edit& edit) { return edit.kind != policy::Edit::Kind::remove; });
  return edits;
}

// In a message of a trusted client, the fields that we wrote stay. A replay does not have the
// secret that proves them: it uses the recorded removals.
std::vector<policy::Edit> unproven_removals(const Message& message, const Seal* seal,
                                            policy::Facts& facts) {
  if (message.recorded != nullptr) {
    const auto& then = message.recorded->outcome.facts;
    facts.own_fields = then.own_fields;
    if (then.exemption == facts.exemption) return recorded_removals(*message.recorded);
  }
  const auto kept = fields_to_keep(message.forged->claims(), message.header, seal, facts.received);
  facts.own_fields = kept.own;
  return message.forged->removals_but(kept.keep);
}

WriteSeal seal_writer(const Message& message, const Seal* seal, const Outcome& outcome) {
  if (message.recorded != nullptr) {
    return [&](const std::string& /*disposition*/) {
      const auto& then = message.recorded->outcome.verdict.edits;
      const auto edit = std::find_if(then.begin(), then.end(), [](const auto& one) {
        return one.kind == policy::Edit::Kind::insert && one.name == seal_field;
      });
      return edit == then.end() ? std::string() : edit->value;
    };
  }
  if (seal == nullptr) return nullptr;
  return [&message, &outcome, seal](const std::string& disposition) {
    return seal->write(outcome.facts.id, outcome.facts.received, message.header,
                       {outcome.authentication_results, disposition});
  };
}

}  // namespace

std::vector<policy::Edit> forged_removals(const Message& message) {
  // Fields beyond the limits are not recorded, but the removals are.
  const bool incomplete =
      message.recorded != nullptr &&
      (message.recorded->outcome.facts.header_over_limits || message.recorded_in_part());
  return incomplete ? recorded_removals(*message.recorded) : message.forged->removals();
}

void write_results(const Message& message, const Connected& connected, const Seal* seal,
                   Outcome& outcome) {
  outcome.authentication_results = results_text(message, connected, outcome.facts);
  auto& verdict = outcome.verdict;
  const auto action = verdict.message.action;
  if (action == policy::Action::reject || action == policy::Action::tempfail) return;
  // The present state counts: a message that proved its release no longer counts as a trusted
  // client's.
  const bool trusted = outcome.facts.exemption == policy::Exemption::trusted_network ||
                       outcome.facts.exemption == policy::Exemption::unix_socket;
  verdict.edits =
      trusted ? unproven_removals(message, seal, outcome.facts) : forged_removals(message);
  auto inserted = insertions(outcome.facts, delivered_as(outcome), outcome.authentication_results,
                             seal_writer(message, seal, outcome));
  verdict.edits.insert(verdict.edits.end(), std::make_move_iterator(inserted.begin()),
                       std::make_move_iterator(inserted.end()));
}

}  // namespace sekisho::session
