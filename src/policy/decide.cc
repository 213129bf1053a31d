#include "policy/decide.h"

#include <algorithm>

#include "policy/access_list.h"
#include "policy/dmarc_rule.h"
#include "policy/proofs.h"
#include "policy/rule.h"

namespace sekisho::policy {

namespace {

// Monitor mode: decided and recorded as if it held, then not applied.
Decision monitored(Decision decision, bool monitor) {
  if (!monitor || decision.action == Action::accept) return decision;
  decision.monitored = decision.action;
  decision.monitored_rule = decision.rule;
  decision.action = Action::accept;
  return decision;
}

// Nobody can receive the refusal, and a released message must not be held again.
Decision as_local(Decision decision) {
  if (decision.action == Action::accept || decision.action == Action::tag) return decision;
  decision.evidence.emplace_back("role-local:" + std::string(to_string(decision.action)));
  decision.action = Action::tag;
  decision.reply.reset();
  return decision;
}

// One of our relays would bounce a refused message, often to a forged sender.
Decision as_relayed(Decision decision) {
  if (decision.action != Action::reject) return decision;
  decision.evidence.emplace_back("via-relay");
  decision.action = Action::quarantine;
  decision.reply.reset();
  return decision;
}

bool stands_behind_dmarc(const Rule& rule) {
  const auto dmarc = std::find(chain.begin(), chain.end(), &dmarc_rule);
  return std::find(dmarc + 1, chain.end(), &rule) != chain.end();
}

// Asks the rules in their order. With `opinions`, also those behind the one that decided.
Decision judged(const Case& asked, std::vector<RuleOpinion>* opinions) {
  using Said = RuleOpinion::Said;
  // A decision of a rule in monitor mode is only recorded, and the next rule is asked; the record
  // shows the first such decision.
  std::optional<Decision> shadow;
  std::optional<Decision> spoken;
  const Rule* speaker = nullptr;
  for (const Rule* each : chain) {
    const Rule& rule = *each;
    // A message that was not evaluated has no facts for the other rules.
    const bool over = opinions == nullptr || asked.facts.exemption != Exemption::none;
    if (spoken && over) break;
    auto decision = rule.ask(asked);
    if (opinions != nullptr) {
      opinions->push_back({.rule = std::string(rule.name),
                           .said = spoken ? Said::not_asked : Said::nothing,
                           .why = decision ? decision->reason : rule.silence(asked),
                           .decision = decision,
                           .key = decision ? rule.key(asked, *decision) : ""});
    }
    if (!decision || spoken) continue;
    const bool monitor = rule.monitor != nullptr && rule.monitor(asked.rules);
    auto result = monitored(std::move(*decision), asked.rules.monitor || monitor);
    const bool decides = !result.monitored || asked.rules.monitor;
    if (opinions != nullptr) {
      auto& opinion = opinions->back();
      opinion.said = result.monitored ? Said::monitored : Said::spoke;
      if (result.monitored) {
        opinion.monitor_key = asked.rules.monitor ? "policy_defaults.monitor" : rule.monitor_key;
      }
    }
    if (decides) {
      spoken = std::move(result);
      speaker = &rule;
    } else if (!shadow) {
      shadow = std::move(result);
    }
  }
  // What the first monitored rule would have done is kept also when a later rule accepts: that is
  // what the admin wants to see.
  if (spoken && shadow) {
    spoken->monitored = shadow->monitored;
    spoken->monitored_rule = shadow->monitored_rule;
  }
  // Rules before DMARC's never looked at DMARC, so there is no override to report.
  if (speaker != nullptr && !stands_behind_dmarc(*speaker)) return *spoken;
  const Eased eased = eased_dmarc(asked);
  if (!spoken && shadow) spoken = std::move(shadow);
  if (!spoken) {
    spoken =
        accept(eased.reason.empty() ? rule_name::by_default : rule_name::allowlist, eased.reason);
    if (opinions != nullptr && !eased.reason.empty()) {
      // Not a rule of the chain: the allowlist kept DMARC from deciding, and no other rule decided.
      opinions->push_back({.rule = spoken->rule,
                           .said = Said::spoke,
                           .why = spoken->reason,
                           .decision = spoken,
                           .key = "allowlist.files"});
    }
  }
  spoken->overrides.insert(spoken->overrides.end(), eased.overrides.begin(), eased.overrides.end());
  return *spoken;
}

Action hardest(const std::vector<RecipientDecision>& recipients) {
  return std::max_element(
             recipients.begin(), recipients.end(),
             [](const auto& a, const auto& b) { return a.decision.action < b.decision.action; })
      ->decision.action;
}

// One message has one answer. A reject or a deferral that not all recipients share becomes
// quarantine for its recipients, because it cannot be given for one of them alone. Delivery would
// be a way past the policy: a sender could add a recipient that accepts what others defer.
void bring_together(std::vector<RecipientDecision>& recipients) {
  const auto first = recipients.front().decision.action;
  const bool unanimous = std::all_of(recipients.begin(), recipients.end(),
                                     [&](const auto& r) { return r.decision.action == first; });
  if (unanimous) return;
  for (auto& [to, decision] : recipients) {
    if (decision.action != Action::reject && decision.action != Action::tempfail) continue;
    decision.evidence.emplace_back("recipients-differ:" + std::string(to_string(decision.action)));
    decision.action = Action::quarantine;
    decision.reply.reset();
  }
}

}  // namespace

void match_access_lists(Facts& facts, const RuleSet& rules,
                        const std::vector<mail::Mailbox>& readable) {
  facts.allowlist =
      rules.allowlist ? match_allowlist(*rules.allowlist, facts) : std::vector<AccessMatch>();
  facts.denylist = rules.denylist ? match_denylist(*rules.denylist, facts, readable)
                                  : std::vector<AccessMatch>();
}

Decision decide_for(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule) {
  auto decision = judged({facts, rules, override_rule, effect_of(facts.allowlist)}, nullptr);
  if (facts.relay) decision = as_relayed(std::move(decision));
  return facts.role == Role::local ? as_local(std::move(decision)) : decision;
}

std::vector<RuleOpinion> opinions(const Facts& facts, const Rules& rules,
                                  const DmarcOverride* override_rule) {
  std::vector<RuleOpinion> all;
  judged({facts, rules, override_rule, effect_of(facts.allowlist)}, &all);
  return all;
}

Verdict decide(const Facts& facts, const RuleSet& rules) {
  const DmarcOverride* override_rule =
      facts.author.well_formed() ? rules.override_for(judged_author(facts)) : nullptr;
  Verdict verdict;
  for (const auto& to : facts.recipients) {
    verdict.recipients.push_back(
        {to.raw(), decide_for(facts, rules.for_recipient(to), override_rule)});
  }
  if (verdict.recipients.empty()) {
    verdict.message = decide_for(facts, rules.defaults, override_rule);
    return verdict;
  }
  bring_together(verdict.recipients);
  const Action action = hardest(verdict.recipients);
  verdict.message =
      std::find_if(verdict.recipients.begin(), verdict.recipients.end(), [&](const auto& r) {
        return r.decision.action == action;
      })->decision;
  return verdict;
}

}  // namespace sekisho::policy
