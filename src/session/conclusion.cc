#include "session/conclusion.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "mail/author.h"
#include "policy/access_list.h"
#include "policy/decide.h"
#include "policy/proofs.h"
#include "policy/rule_names.h"
#include "session/recorded_header.h"
#include "session/results.h"
#include "session/traces.h"

namespace sekisho::session {

void Conclusion::reach(Outcome& outcome) const {
  auto& facts = outcome.facts;
  auto& counters = engine_.counters();
  ++counters.messages;
  if (facts.exemption != policy::Exemption::none) ++counters.exempt;
  // How far the checks of a released message got by now is a matter of chance.
  const bool evaluated = facts.exemption == policy::Exemption::none;
  if (evaluated) complete(facts);
  facts.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - message_.began);
  facts.deferred_for = message_.recorded != nullptr
                           ? message_.recorded->outcome.facts.deferred_for
                           : engine_.deferrals().deferred_for(facts, steady_now());
  if (evaluated) match_entries(facts);
  outcome.verdict = policy::decide(facts, message_.snapshot->rules);
  const auto action = outcome.verdict.message.action;
  if (action == policy::Action::tempfail) {
    engine_.deferrals().deferred(facts, steady_now(), engine_.now());
  }
  const bool refused = action == policy::Action::reject || action == policy::Action::tempfail;
  if (!refused) place(outcome);
  write_results(message_, connected_, engine_.seal(), outcome);
}

void Conclusion::complete(policy::Facts& facts) const {
  message_.checks.report(facts);
  if (message_.lists) facts.lists = message_.lists->results();
  facts.traces = message_.recorded_in_part()
                     ? message_.recorded->outcome.facts.traces
                     : find_traces(message_.header, facts.recipients,
                                   message_.snapshot->options.identity.domains);
  complete_author(facts);
}

void Conclusion::complete_author(policy::Facts& facts) const {
  if (!facts.author.well_formed()) {
    facts.dmarc.code = dmarc::Code::permerror;
    facts.dmarc.reason = facts.author.reason;
    return;
  }
  const auto& domains = message_.snapshot->options.identity.domains;
  const auto author = policy::judged_author(facts);
  facts.traces.author_signature = has_author_signature(facts.dkim, author, facts.dmarc.org_domain);
  facts.author_is_ours =
      std::any_of(domains.begin(), domains.end(),
                  [&](const mail::DomainName& ours) { return author.is_or_is_below(ours); });
}

// The entries of the allowlist and the denylist. Their files may have changed since the decision
// was recorded: a replay under the same configuration uses the recorded entries.
void Conclusion::match_entries(policy::Facts& facts) const {
  const auto& snapshot = *message_.snapshot;
  const auto* recorded = message_.recorded;
  if (recorded != nullptr && recorded->configuration == snapshot.digest) {
    facts.allowlist = recorded->outcome.facts.allowlist;
    facts.denylist = recorded->outcome.facts.denylist;
    return;
  }
  // Where malformed authors are only tagged, an author that some reader shows must not evade the
  // denylist.
  std::vector<mail::Mailbox> readable;
  if (facts.author.result != mail::Author::Result::one && snapshot.rules.denylist &&
      snapshot.rules.denylist->size() > 0) {
    readable = mail::readable_authors(message_.header, message_.malformed_lines);
  }
  policy::match_access_lists(facts, snapshot.rules, readable);
}

// Chooses where a quarantined message goes.
void Conclusion::place(Outcome& outcome) const {
  const auto& verdict = outcome.verdict;
  if (verdict.message.action != policy::Action::quarantine) return;
  // Without an MTA in front of us nobody else can hold a message.
  auto where = message_.snapshot->options.quarantine.where;
  const bool no_mta = keeping_ != nullptr && keeping_->keeps_accepted();
  if (no_mta && where == QuarantineWhere::mta) where = QuarantineWhere::store;
  switch (where) {
    case QuarantineWhere::junk:
      return;
    case QuarantineWhere::mta:
      outcome.held = Outcome::Held::by_mta;
      break;
    case QuarantineWhere::store: {
      if (!message_.draft) throw std::runtime_error("the quarantine store is not open");
      for (const auto& [to, decision] : verdict.recipients) {
        if (decision.action == policy::Action::quarantine) outcome.recipients_held.push_back(to);
      }
      outcome.held = outcome.recipients_held.size() == verdict.recipients.size()
                         ? Outcome::Held::whole
                         : Outcome::Held::some;
      break;
    }
  }
  outcome.hold_reason =
      verdict.message.rule + ": " + verdict.message.reason + " (id=" + outcome.facts.id + ")";
}

void fail_outcome(Outcome& outcome, const std::string& what) {
  const bool ours =
      !what.starts_with(deferred_by_store) && !what.starts_with(deferred_by_store_before);
  outcome.verdict = {};
  auto& decision = outcome.verdict.message;
  decision.action = policy::Action::tempfail;
  decision.rule = ours ? policy::rule_name::internal : policy::rule_name::release;
  decision.reason = (ours ? "internal error: " : "") + what;
  const std::string told = ours ? "internal error" : "not now";
  decision.reply =
      mail::SmtpReply(451, "4.3.0", told + ", try again later (id=" + outcome.facts.id + ")");
  for (const auto& to : outcome.facts.recipients) {
    outcome.verdict.recipients.push_back({to.raw(), decision});
  }
}

void fail_without_memory(Outcome& outcome) noexcept {
  outcome.verdict = {};
  outcome.verdict.message.rule = policy::rule_name::internal;
  outcome.held = Outcome::Held::no;
  outcome.recipients_held.clear();
  outcome.verdict.message.action = policy::Action::tempfail;
}

namespace {

Inputs take_inputs(Message& message, const Connected& connected) {
  Inputs inputs;
  inputs.mta_name = connected.mta_name;
  inputs.hostname = message.snapshot->options.identity.hostname;
  inputs.connected = message.connected;
  inputs.authenticated = message.authenticated;
  inputs.blanks_lost = connected.blanks_lost;
  inputs.at_rcpt = message.at_refusal && !message.ended;
  message.checks.give_up(inputs);
  inputs.header = std::move(message.header);
  inputs.left_out = message.recorded != nullptr ? message.recorded->inputs.left_out
                                                : cut_for_record(inputs.header);
  inputs.malformed_lines = std::move(message.malformed_lines);
  inputs.hold_result = std::move(message.hold_result);
  if (message.release) inputs.released = std::move(message.release->results);
  return inputs;
}

}  // namespace

std::shared_ptr<const Decided> record_decision(Engine& engine, const Connected& connected,
                                               Message& message, Outcome&& outcome) {
  const auto decided = std::make_shared<Decided>();
  decided->configuration = message.snapshot->digest;
  decided->failure = message.failure.value_or("");
  // Last: without memory for the others the caller still has its outcome.
  decided->outcome = std::move(outcome);
  const auto& verdict = decided->outcome.verdict;
  if (message.ended) {
    decided->outcome.facts.decided_in =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_now() - *message.ended);
    engine.counters().count(decided->outcome.facts, verdict);
  } else {
    engine.counters().count(verdict.message);
  }
  try {
    decided->inputs = take_inputs(message, connected);
    engine.journal().decided(decided);
  } catch (const std::exception&) {
    // A verdict counts even if it cannot be recorded.
    ++engine.counters().internal_errors;
  }
  return decided;
}

}  // namespace sekisho::session
