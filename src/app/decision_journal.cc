#include "app/decision_journal.h"

#include <utility>

#include "record/log_line.h"
#include "session/decided.h"

namespace sekisho::app {

void DecisionJournal::decided(std::shared_ptr<const session::Decided> decided) {
  const auto& facts = decided->outcome.facts;
  log_.info(record::log_line(facts, decided->outcome.verdict));
  watch_for_nat(facts);
  watch_for_own_fields(facts);
  if (recorder_ != nullptr) recorder_->add(std::move(decided));
}

// Warns of a content filter that returns mail through us, or a trusted client that writes fields in
// our name.
void DecisionJournal::watch_for_own_fields(const policy::Facts& facts) {
  if (facts.own_fields != policy::OwnFields::removed) return;
  log_.write_limited(
      LogLevel::warning, "own fields",
      LogLine("a trusted client handed in fields in our name without the proof that we wrote them, "
              "and what made the message look better was removed; if this is a content filter that "
              "gives mail back, set -o smtpd_milters= for its service in master.cf:")
          .field("client", policy::client_text(facts.client))
          .field("id", facts.id)
          .text());
}

void DecisionJournal::watch_for_nat(const policy::Facts& facts) {
  if (!facts.client.address || facts.role != policy::Role::mx) return;
  const auto alarm = nat_.count({*facts.client.address, facts.client.helo,
                                 facts.exemption == policy::Exemption::trusted_network,
                                 facts.exemption == policy::Exemption::authenticated},
                                steady_now());
  if (alarm) log_.warning(alarm->text());
}

}  // namespace sekisho::app
