#include "policy/at_rcpt.h"

#include <algorithm>

#include "policy/list_rule.h"

namespace sekisho::policy {

namespace {

bool may_refuse(const ListRules& lists) {
  if (lists.use == UseLists::skip) return false;
  return std::any_of(lists.rules.begin(), lists.rules.end(), [](const ListRule& rule) {
    const bool refuses = rule.action == OnListed::reject || rule.action == OnListed::tempfail;
    return refuses && !rule.monitor && rule.kind != client::ListKind::dnswl;
  });
}

// Whether a refusal has to wait, or never comes, for the sake of an entry.
bool is_open(ListProspect prospect) { return prospect != ListProspect::none; }

}  // namespace

bool may_refuse_recipients(const RuleSet& rules) {
  return may_refuse(rules.defaults.lists) ||
         std::any_of(rules.policies.begin(), rules.policies.end(),
                     [](const RecipientRules& policy) { return may_refuse(policy.rules.lists); });
}

RecipientOpinion judge_recipient(const Facts& facts, const RuleSet& rules, std::string_view to,
                                 KnownSoFar known) {
  const Rules& own = rules.for_recipient(to);
  // A relay of ours is never refused; who was there before it is not known yet.
  if (facts.relay) return {};
  ListProspects prospects;
  if (rules.allowlist) prospects = could_still_skip_lists(*rules.allowlist, facts, known);
  const ListKinds skipped{is_open(prospects.dnsbl), is_open(prospects.rhsbl)};
  RecipientOpinion opinion{refuse_at_rcpt(facts, own, skipped), false};
  const bool lookups =
      prospects.dnsbl == ListProspect::lookups || prospects.rhsbl == ListProspect::lookups;
  opinion.undecided = !opinion.refusal && lookups && refuse_at_rcpt(facts, own).has_value();
  return opinion;
}

Verdict decide_at_rcpt(const Facts& facts, const RuleSet& rules) {
  Verdict verdict;
  for (const auto& to : facts.refused_recipients) {
    auto opinion = judge_recipient(facts, rules, to, KnownSoFar{true, true});
    verdict.recipients.push_back({to, opinion.refusal.value_or(Decision())});
  }
  if (!verdict.recipients.empty()) verdict.message = verdict.recipients.front().decision;
  return verdict;
}

}  // namespace sekisho::policy
