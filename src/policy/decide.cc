#include "policy/decide.h"

#include <algorithm>

#include "policy/rule.h"

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

// Monitor mode: decided and recorded as if it held, then not applied.
Decision monitored(Decision decision, bool monitor) {
  if (!monitor || decision.action == Action::accept) return decision;
  decision.monitored = decision.action;
  decision.action = Action::accept;
  return decision;
}

// Nobody is there who could take a refusal, and what was released must not be held again.
Decision as_local(Decision decision) {
  if (decision.action == Action::accept || decision.action == Action::tag) return decision;
  decision.evidence.emplace_back("role-local:" + std::string(to_string(decision.action)));
  decision.action = Action::tag;
  decision.reply.reset();
  return decision;
}

Decision judged(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule) {
  if (facts.header_over_limits) {
    return monitored(refuse(SmtpReply(552, "5.3.4", with_id("header too large", facts)), "limits",
                            "the header is over the limits"),
                     rules.monitor);
  }
  // A rule in monitor mode has spoken into the record only, so the next one is asked; the first
  // that would have acted is what the record shows.
  std::optional<Decision> shadow;
  const auto speak = [&](std::optional<Decision> decision,
                         bool monitor) -> std::optional<Decision> {
    if (!decision) return std::nullopt;
    auto result = monitored(std::move(*decision), rules.monitor || monitor);
    if (!result.monitored || rules.monitor) return result;
    if (!shadow) shadow = std::move(result);
    return std::nullopt;
  };
  if (auto decision = speak(malformed_author(facts, rules.author), rules.author.monitor)) {
    return *decision;
  }
  if (auto decision = speak(by_lists(facts, rules.lists), false)) return *decision;
  if (facts.author.well_formed()) {
    if (auto decision = speak(by_dmarc(facts, rules, override_rule), rules.dmarc.monitor)) {
      return *decision;
    }
  }
  const bool dmarc_passed = facts.dmarc.code == dmarc::Code::pass;
  if (!dmarc_passed) {
    if (auto decision = speak(by_spf(facts, rules), rules.spf.monitor)) return *decision;
  }
  return shadow ? *shadow : accept("default");
}

Action hardest(const std::vector<RecipientDecision>& recipients) {
  return std::max_element(
             recipients.begin(), recipients.end(),
             [](const auto& a, const auto& b) { return a.decision.action < b.decision.action; })
      ->decision.action;
}

// One message has one answer. Refusals that not all recipients share are turned into what can be
// done for one of them: a reject into quarantine, a deferral into delivery with a tag.
void bring_together(std::vector<RecipientDecision>& recipients) {
  const auto first = recipients.front().decision.action;
  const bool unanimous = std::all_of(recipients.begin(), recipients.end(),
                                     [&](const auto& r) { return r.decision.action == first; });
  if (unanimous) return;
  for (auto& [to, decision] : recipients) {
    if (decision.action != Action::reject && decision.action != Action::tempfail) continue;
    decision.evidence.emplace_back("recipients-differ:" + std::string(to_string(decision.action)));
    decision.action = decision.action == Action::reject ? Action::quarantine : Action::tag;
    decision.reply.reset();
  }
}

}  // namespace

Decision decide_for(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule) {
  if (facts.exemption != Exemption::none) {
    return accept("exempt", std::string(to_string(facts.exemption)) + " client, not evaluated");
  }
  auto decision = judged(facts, rules, override_rule);
  return facts.role == Role::local ? as_local(std::move(decision)) : decision;
}

Verdict decide(const Facts& facts, const RuleSet& rules) {
  const DmarcOverride* override_rule =
      facts.author.well_formed() ? rules.override_for(facts.author.domain()) : nullptr;
  Verdict verdict;
  for (const auto& to : facts.recipients) {
    verdict.recipients.push_back({to, decide_for(facts, rules.for_recipient(to), override_rule)});
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
