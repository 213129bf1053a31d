#include "policy/at_rcpt.h"

#include <algorithm>
#include <array>

#include "policy/decide.h"
#include "policy/dns_list_rule.h"
#include "policy/rule.h"

namespace sekisho::policy {

namespace {

bool may_refuse(const DnsListRules& lists) {
  if (lists.use == UseLists::skip) return false;
  return std::any_of(lists.rules.begin(), lists.rules.end(), [](const DnsListRule& rule) {
    const bool refuses = rule.action == OnListed::reject || rule.action == OnListed::tempfail;
    return refuses && !rule.monitor && rule.kind != client::DnsListKind::dnswl;
  });
}

// Whether a refusal has to wait, or never comes, for the sake of an entry.
bool is_open(DnsListProspect prospect) { return prospect != DnsListProspect::none; }

DnsListKinds skipped_at_rcpt(const Facts& facts, const RuleSet& rules, DnsListProspects& prospects,
                             KnownSoFar known) {
  if (rules.allowlist) prospects = could_still_skip_dns_lists(*rules.allowlist, facts, known);
  return {is_open(prospects.dnsbl), is_open(prospects.rhsbl)};
}

// Only what rejects: the milder actions need the message.
std::optional<Decision> deny(const Facts& facts, const std::vector<AccessMatch>& denials,
                             const Rules& rules) {
  if (facts.exemption != Exemption::none || facts.role == Role::local || rules.monitor) {
    return std::nullopt;
  }
  auto decision = by_denylist(facts, denials);
  if (decision && decision->action != Action::reject) return std::nullopt;
  return decision;
}

DnsListKinds kept_from_refusing(const Facts& facts) {
  return {facts.rcpt_skips_dnsbl, facts.rcpt_skips_rhsbl};
}

// What the rule is told to have said, once another one before it has `spoken` or not.
void say(RuleOpinion& opinion, std::optional<Decision> decision, std::string key, bool& spoken) {
  opinion.said = spoken ? RuleOpinion::Said::not_asked : RuleOpinion::Said::spoke;
  opinion.why = decision->reason;
  opinion.decision = std::move(decision);
  opinion.key = std::move(key);
  spoken = true;
}

// Why a DNS list refuses nobody here.
std::string silence_at_rcpt(const Case& asked) {
  const auto later = by_lists(asked.facts, asked.rules.lists, kept_from_refusing(asked.facts));
  return later ? "does not refuse at RCPT: " + later->reason : silence_of_lists(asked);
}

// What of the message the denylist can name before it is there.
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

RecipientOpinion judge_recipient(const Facts& facts, const RuleSet& rules, std::string_view to,
                                 KnownSoFar known) {
  const Rules& own = rules.for_recipient(to);
  // A relay of ours is never refused; who was there before it is not known yet.
  if (facts.relay) return {};
  RecipientOpinion opinion;
  if (rules.denylist) {
    opinion.refusal = deny(facts, match_denylist(*rules.denylist, facts), own);
    if (opinion.refusal) return opinion;
    opinion.undecided =
        !known.iprev && facts.client.address && rules.denylist->rejects(IdentityKind::ptr);
  }
  DnsListProspects prospects;
  const DnsListKinds skipped = skipped_at_rcpt(facts, rules, prospects, known);
  opinion.refusal = refuse_at_rcpt(facts, own, skipped);
  const bool lookups =
      prospects.dnsbl == DnsListProspect::lookups || prospects.rhsbl == DnsListProspect::lookups;
  opinion.undecided |= lookups && refuse_at_rcpt(facts, own).has_value();
  return opinion;
}

void match_at_rcpt(Facts& facts, const RuleSet& rules, KnownSoFar known) {
  match_access_lists(facts, rules);
  DnsListProspects prospects;
  const DnsListKinds skipped = skipped_at_rcpt(facts, rules, prospects, known);
  facts.rcpt_skips_dnsbl = skipped.dnsbl;
  facts.rcpt_skips_rhsbl = skipped.rhsbl;
}

Verdict decide_at_rcpt(const Facts& facts, const RuleSet& rules) {
  Verdict verdict;
  for (const auto& to : facts.refused_recipients) {
    const Rules& own = rules.for_recipient(to);
    auto decision = deny(facts, facts.denylist, own);
    if (!decision) {
      decision = refuse_at_rcpt(facts, own, kept_from_refusing(facts));
    }
    verdict.recipients.push_back({to, decision.value_or(Decision())});
  }
  if (!verdict.recipients.empty()) verdict.message = verdict.recipients.front().decision;
  return verdict;
}

std::vector<RuleOpinion> opinions_at_rcpt(const Facts& facts, const Rules& rules) {
  AccessEffect allowed;
  allowed.skip_dnsbl = facts.rcpt_skips_dnsbl;
  allowed.skip_rhsbl = facts.rcpt_skips_rhsbl;
  const Case asked{facts, rules, nullptr, allowed};
  std::vector<RuleOpinion> all;
  bool spoken = false;
  for (const Rule& rule : chain()) {
    RuleOpinion opinion{.rule = std::string(rule.name), .why = {}, .decision = {}};
    if (rule.name == "exempt") {
      opinion.why = rule.silence(asked);
    } else if (rule.name == "denylist") {
      opinion.why = facts.denylist.empty() ? rule.silence(asked) : "no entry that rejects names it";
      if (auto denied = deny(facts, facts.denylist, rules)) {
        say(opinion, std::move(denied), rule.key(asked), spoken);
      }
    } else if (rule.name == "lists") {
      if (auto listed = refuse_at_rcpt(facts, rules, kept_from_refusing(facts))) {
        auto key = key_of_list_rule(listed->rule, rules.lists);
        say(opinion, std::move(listed), std::move(key), spoken);
      } else {
        opinion.said = spoken ? RuleOpinion::Said::not_asked : RuleOpinion::Said::nothing;
        opinion.why = silence_at_rcpt(asked);
      }
    } else {
      opinion.said = RuleOpinion::Said::not_yet;
      opinion.why = rule.name == "spf" ? "not asked before the message has come"
                                       : "not known yet: the message had not come";
    }
    all.push_back(std::move(opinion));
  }
  return all;
}

bool lets_pass(const Verdict& then, const Verdict& now) {
  return !std::equal(
      then.recipients.begin(), then.recipients.end(), now.recipients.begin(), now.recipients.end(),
      [](const auto& was, const auto& is) { return !was.decision.reply || is.decision.reply; });
}

}  // namespace sekisho::policy
