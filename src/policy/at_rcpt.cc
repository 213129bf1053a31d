#include "policy/at_rcpt.h"

#include <algorithm>
#include <array>

#include "policy/decide.h"
#include "policy/denylist_rule.h"
#include "policy/dns_list_rule.h"
#include "policy/rule.h"

namespace sekisho::policy {

namespace {

bool may_refuse(const DnsListRules& lists) {
  if (lists.use == UseLists::skip) return false;
  return std::any_of(lists.rules.begin(), lists.rules.end(), [](const DnsListRule& rule) {
    const bool refuses = rule.action == OnListed::reject || rule.action == OnListed::tempfail;
    return refuses && !rule.monitor && !vouches(rule.kind);
  });
}

// The kinds of lists that must not refuse yet, or at all, because of an entry.
client::DnsKindSet skipped_at_rcpt(const DnsListProspects& prospects) {
  client::DnsKindSet kinds;
  for (const auto kind : all_values<client::DnsListKind>()) {
    if (prospects[kind] != DnsListProspect::none) kinds.add(kind);
  }
  return kinds;
}

DnsListProspects prospects_of(const Facts& facts, const RuleSet& rules, KnownSoFar known) {
  return rules.allowlist ? could_still_skip_dns_lists(*rules.allowlist, facts, known)
                         : DnsListProspects();
}

// The case for the rules after the recipient was refused.
Case case_at_rcpt(const Facts& facts, const Rules& rules) {
  AccessEffect allowed;
  allowed.skip_lists = facts.rcpt_skips;
  return {facts, rules, nullptr, allowed};
}

// `spoken`: an earlier rule has decided.
RuleOpinion opinion_at_rcpt(const Rule& rule, const Case& asked, bool spoken) {
  using Said = RuleOpinion::Said;
  RuleOpinion opinion{.rule = std::string(rule.name), .why = {}, .decision = {}};
  if (rule.at_rcpt == nullptr) {
    opinion.said = Said::not_yet;
    opinion.why = rule.not_at_rcpt;
  } else if (auto decision = rule.at_rcpt(asked)) {
    opinion.said = spoken ? Said::not_asked : Said::spoke;
    opinion.why = decision->reason;
    opinion.key = rule.key(asked, *decision);
    opinion.decision = std::move(decision);
  } else {
    opinion.said = spoken ? Said::not_asked : Said::nothing;
    opinion.why =
        rule.silence_at_rcpt != nullptr ? rule.silence_at_rcpt(asked) : rule.silence(asked);
  }
  return opinion;
}

// The identities that are known before the message.
constexpr std::array known_at_rcpt = {IdentityKind::ip, IdentityKind::helo, IdentityKind::mfrom,
                                      IdentityKind::ptr};

}  // namespace

bool may_deny_recipients(const RuleSet& rules) {
  return rules.denylist &&
         std::any_of(known_at_rcpt.begin(), known_at_rcpt.end(),
                     [&](IdentityKind kind) { return rules.denylist->rejects(kind); });
}

bool may_refuse_recipients(const RuleSet& rules) {
  return may_deny_recipients(rules) || may_refuse(rules.defaults.lists) ||
         std::any_of(rules.policies.begin(), rules.policies.end(),
                     [](const RecipientRules& policy) { return may_refuse(policy.rules.lists); });
}

RecipientOpinion judge_recipient(const Facts& facts, const RuleSet& rules, const mail::Path& to,
                                 KnownSoFar known) {
  const Rules& own = rules.for_recipient(to);
  // One of our relays is never refused; the client before it is not known yet.
  if (facts.relay) return {};
  RecipientOpinion opinion;
  if (rules.denylist) {
    opinion.refusal = deny_at_rcpt(facts, match_denylist(*rules.denylist, facts), own);
    if (opinion.refusal) return opinion;
    opinion.undecided =
        !known.iprev && facts.client.address && rules.denylist->rejects(IdentityKind::ptr);
  }
  const DnsListProspects prospects = prospects_of(facts, rules, known);
  opinion.refusal = refuse_at_rcpt(facts, own, skipped_at_rcpt(prospects));
  const bool lookups =
      std::find(prospects.begin(), prospects.end(), DnsListProspect::lookups) != prospects.end();
  opinion.undecided |= lookups && refuse_at_rcpt(facts, own).has_value();
  return opinion;
}

void match_at_rcpt(Facts& facts, const RuleSet& rules, KnownSoFar known) {
  match_access_lists(facts, rules);
  facts.rcpt_skips = skipped_at_rcpt(prospects_of(facts, rules, known));
}

Verdict decide_at_rcpt(const Facts& facts, const RuleSet& rules) {
  Verdict verdict;
  for (const auto& to : facts.refused_recipients) {
    const Case asked = case_at_rcpt(facts, rules.for_recipient(to));
    std::optional<Decision> decision;
    for (const Rule* rule : chain) {
      if (!decision && rule->at_rcpt != nullptr) decision = rule->at_rcpt(asked);
    }
    verdict.recipients.push_back({to.raw(), decision.value_or(Decision())});
  }
  if (!verdict.recipients.empty()) verdict.message = verdict.recipients.front().decision;
  return verdict;
}

std::vector<RuleOpinion> opinions_at_rcpt(const Facts& facts, const Rules& rules) {
  const Case asked = case_at_rcpt(facts, rules);
  std::vector<RuleOpinion> all;
  bool spoken = false;
  for (const Rule* rule : chain) {
    all.push_back(opinion_at_rcpt(*rule, asked, spoken));
    spoken |= all.back().said == RuleOpinion::Said::spoke;
  }
  return all;
}

bool lets_pass(const Verdict& then, const Verdict& now) {
  return !std::equal(
      then.recipients.begin(), then.recipients.end(), now.recipients.begin(), now.recipients.end(),
      [](const auto& was, const auto& is) { return !was.decision.reply || is.decision.reply; });
}

}  // namespace sekisho::policy
