#include "policy/dns_list_rule.h"

#include <algorithm>
#include <map>

#include "policy/rule.h"

namespace sekisho::policy {

using client::DnsKindSet;
using client::DnsListCode;
using client::DnsListKind;
using client::DnsListOn;
using client::DnsListResult;
using mail::SmtpReply;

namespace {

struct Hit {
  const DnsListRule* rule;
  const DnsListResult* result;
};

Action action_of(OnListed action) {
  switch (action) {
    case OnListed::reject:
      return Action::reject;
    case OnListed::quarantine:
      return Action::quarantine;
    case OnListed::tempfail:
      return Action::tempfail;
    case OnListed::tag:
      return Action::tag;
    case OnListed::log:
      return Action::accept;
  }
  return Action::accept;
}

bool applies(const DnsListRules& rules) { return rules.use == UseLists::apply; }

// The kinds of lists that a dnswl hit overrides. A dnswl in monitor mode does nothing.
DnsKindSet skipped_by_dnswl(const std::vector<DnsListResult>& results, const DnsListRules& rules,
                            DnsListCode code) {
  DnsKindSet skipped;
  for (const DnsListResult& result : results) {
    if (!vouches(result.kind) || result.code != code) continue;
    const DnsListRule* rule = rules.find(result.name);
    if (rule != nullptr && !rule->monitor) skipped |= rule->skip;
  }
  return skipped;
}

// The hits that count, each rule once: the same name in HELO and MAIL FROM is one reason, not two.
std::vector<Hit> hits_of(const std::vector<DnsListResult>& results, const DnsListRules& rules,
                         DnsKindSet skipped, bool monitored_too) {
  std::vector<Hit> hits;
  for (const DnsListResult& result : results) {
    if (result.code != DnsListCode::listed || vouches(result.kind)) continue;
    if (skipped.has(result.kind)) continue;
    const DnsListRule* rule = rules.find(result.name);
    if (rule == nullptr || (rule->monitor && !monitored_too)) continue;
    const bool again =
        std::any_of(hits.begin(), hits.end(), [&](const Hit& hit) { return hit.rule == rule; });
    if (!again) hits.push_back({rule, &result});
  }
  return hits;
}

int weight_of_dnswls(const std::vector<DnsListResult>& results, const DnsListRules& rules) {
  int weight = 0;
  for (const DnsListRule& rule : rules.rules) {
    if (!vouches(rule.kind) || rule.monitor) continue;
    const bool hit = std::any_of(results.begin(), results.end(), [&](const DnsListResult& result) {
      return result.code == DnsListCode::listed && result.name == rule.name;
    });
    if (hit) weight += rule.weight;
  }
  return weight;
}

int sum_of(const std::vector<Hit>& hits) {
  int sum = 0;
  for (const Hit& hit : hits) sum += hit.rule->weight;
  return sum;
}

// The most severe hit; of equal ones the first in the configuration.
const Hit* hardest(const std::vector<Hit>& hits) {
  const auto found = std::max_element(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return action_of(a.rule->action) < action_of(b.rule->action);
  });
  return found == hits.end() ? nullptr : &*found;
}

// Postfix's words for the looked-up value (smtpd_check.c, rbl_class), and our own for other values.
std::string what_of(const DnsListResult& result, const Facts& facts) {
  switch (result.on) {
    case DnsListOn::client:
    case DnsListOn::client_name:
      return "Client host [" + result.value + "]";
    case DnsListOn::helo:
      return "Helo command [" + result.value + "]";
    case DnsListOn::sender:
      return "Sender address [" + facts.mail_from.raw() + "]";
    case DnsListOn::from:
      return "Author domain [" + result.value + "]";
    case DnsListOn::dkim:
      return "DKIM domain [" + result.value + "]";
  }
  return {};
}

// "Service unavailable; Client host [192.0.2.1] blocked using zen; https://… (id=K7Q2-4DMX)": the
// form that fail2ban and pflogsumm know from Postfix ($rbl_class [$rbl_what] blocked using
// $rbl_domain${rbl_reason?; $rbl_reason}).
std::string reply_text(const DnsListResult& result, const Facts& facts) {
  std::string text =
      "Service unavailable; " + what_of(result, facts) + " blocked using " + result.name;
  if (!result.reason.empty()) text += "; " + result.reason;
  return with_id(std::move(text), facts);
}

std::string name_of(const Hit& hit) {
  return rule_name::of_dns_list(hit.rule->kind, hit.rule->name);
}

std::string reason_of(const Hit& hit) {
  return hit.result->value + " is listed by " + hit.rule->name + " (" + hit.result->codes + ")";
}

// "zen 3 + dbl 2 - dnswl 1 = 4, the threshold is 4".
std::string sum_text(const std::vector<Hit>& hits, int good, int threshold) {
  std::string text;
  for (const Hit& hit : hits) {
    text += (text.empty() ? "" : " + ") + hit.rule->name + " " + std::to_string(hit.rule->weight);
  }
  if (good != 0) text += " - dnswl " + std::to_string(good);
  return text + " = " + std::to_string(sum_of(hits) - good) + ", the threshold is " +
         std::to_string(threshold);
}

Decision conclude(const Hit& hit, const Facts& facts, std::string_view rule, std::string reason) {
  const Action action = action_of(hit.rule->action);
  if (action == Action::reject) {
    return refuse(SmtpReply(554, "5.7.1", reply_text(*hit.result, facts)), rule, std::move(reason));
  }
  if (action == Action::tempfail) {
    return refuse(SmtpReply(451, "4.7.1", reply_text(*hit.result, facts)), rule, std::move(reason));
  }
  return make(action, rule, std::move(reason));
}

std::optional<Decision> judged(const Facts& facts, const DnsListRules& rules, DnsKindSet skipped,
                               bool monitored_too) {
  skipped |= skipped_by_dnswl(facts.lists, rules, DnsListCode::listed);
  const auto hits = hits_of(facts.lists, rules, skipped, monitored_too);
  const Hit* hit = hardest(hits);
  if (hit == nullptr || hit->rule->action == OnListed::log) return std::nullopt;
  std::string rule = name_of(*hit);
  std::string reason = reason_of(*hit);
  if (rules.threshold > 0) {
    const int good = weight_of_dnswls(facts.lists, rules);
    if (sum_of(hits) - good < rules.threshold) return std::nullopt;
    rule = rule_name::lists;
    reason = sum_text(hits, good, rules.threshold);
  }
  Decision decision = conclude(*hit, facts, rule, std::move(reason));
  for (const Hit& each : hits) decision.evidence.push_back("list:" + each.rule->name);
  return decision;
}

}  // namespace

const DnsListRule* DnsListRules::find(std::string_view name) const {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [&](const DnsListRule& rule) { return rule.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

std::vector<std::string> list_evidence(const Facts& facts, const DnsListRules& rules,
                                       DnsKindSet skipped) {
  std::vector<std::string> evidence;
  if (!applies(rules)) return evidence;
  skipped |= skipped_by_dnswl(facts.lists, rules, DnsListCode::listed);
  for (const Hit& hit : hits_of(facts.lists, rules, skipped, false)) {
    if (hit.rule->action == OnListed::reject) evidence.push_back("list:" + hit.rule->name);
  }
  return evidence;
}

std::optional<Decision> refuse_at_rcpt(const Facts& facts, const Rules& rules, DnsKindSet skipped) {
  if (facts.exemption != Exemption::none || facts.role == Role::local || rules.monitor) {
    return std::nullopt;
  }
  // A dnswl may still answer that it lists the client.
  skipped |= skipped_by_dnswl(facts.lists, rules.lists, DnsListCode::unanswered);
  if (!applies(rules.lists)) return std::nullopt;
  const bool dnswl_open =
      rules.lists.threshold > 0 &&
      std::any_of(facts.lists.begin(), facts.lists.end(), [](const DnsListResult& result) {
        return vouches(result.kind) && result.code == DnsListCode::unanswered;
      });
  if (dnswl_open) return std::nullopt;
  auto decision = judged(facts, rules.lists, skipped, false);
  if (!decision || !decision->reply) return std::nullopt;
  // RFC 5321 §4.2.3: the mailbox is not available now.
  if (decision->action == Action::tempfail) {
    // A sender that was deferred for long enough is let in, and held.
    auto reply = SmtpReply(450, "4.7.1", decision->reply->text());
    auto now = defer(facts, rules.dmarc, std::move(reply), decision->rule, decision->reason,
                     Action::quarantine);
    if (now.action != Action::tempfail) return std::nullopt;
    decision->reply = std::move(now.reply);
  }
  return decision;
}

namespace {

std::optional<Decision> by_lists(const Facts& facts, const DnsListRules& rules,
                                 DnsKindSet skipped) {
  if (!applies(rules) || facts.lists.empty()) return std::nullopt;
  if (auto decision = judged(facts, rules, skipped, false)) {
    // What the other lists would have done is recorded with it.
    const auto silent = skipped | skipped_by_dnswl(facts.lists, rules, DnsListCode::listed);
    for (const Hit& hit : hits_of(facts.lists, rules, silent, true)) {
      if (hit.rule->monitor) decision->evidence.push_back("monitored-list:" + hit.rule->name);
    }
    return decision;
  }
  // Nothing is applied: what would the lists in monitor mode have done?
  auto shadow = judged(facts, rules, skipped, true);
  if (!shadow) return std::nullopt;
  shadow->monitored = shadow->action;
  shadow->monitored_rule = shadow->rule;
  shadow->action = Action::accept;
  return shadow;
}

// A deferral by a list ends like any other. The message is then held, because the client is still
// listed.
std::optional<Decision> lists(const Case& asked) {
  auto decision = by_lists(asked.facts, asked.rules.lists, asked.allowed.skip_lists);
  if (!decision || decision->action != Action::tempfail) return decision;
  auto ended = defer(asked.facts, asked.rules.dmarc, *decision->reply, decision->rule,
                     decision->reason, Action::quarantine);
  ended.evidence = std::move(decision->evidence);
  return ended;
}

std::string silence_of_lists(const Case& asked) {
  const DnsListRules& rules = asked.rules.lists;
  if (rules.rules.empty()) return "no DNS list is configured";
  if (!applies(rules)) return "the lists are not applied to this recipient";
  const auto& results = asked.facts.lists;
  const auto listed =
      std::count_if(results.begin(), results.end(), [](const DnsListResult& result) {
        return result.code == DnsListCode::listed && !vouches(result.kind);
      });
  if (listed == 0) return "no list has any of its names";
  const auto skipped =
      asked.allowed.skip_lists | skipped_by_dnswl(results, rules, DnsListCode::listed);
  const auto hits = hits_of(results, rules, skipped, true);
  if (hits.empty()) return "it is listed, and an entry of the allowlist or a dnswl skips that";
  if (rules.threshold > 0) {
    return "listed, and below the threshold: " +
           sum_text(hits, weight_of_dnswls(results, rules), rules.threshold);
  }
  return "it is listed by rules that only log";
}

std::string silence_at_rcpt(const Case& asked) {
  const auto later = by_lists(asked.facts, asked.rules.lists, asked.allowed.skip_lists);
  return later ? "does not refuse at RCPT: " + later->reason : silence_of_lists(asked);
}

std::string key_of_lists(const Case& asked, const Decision& decision) {
  if (decision.rule == rule_name::lists) return "lists.threshold";
  std::map<DnsListKind, std::size_t> count;
  for (const DnsListRule& rule : asked.rules.lists.rules) {
    const std::size_t index = ++count[rule.kind];
    if (rule_name::of_dns_list(rule.kind, rule.name) == decision.rule) {
      return std::string(to_string(rule.kind)) + "[" + std::to_string(index) + "]";
    }
  }
  return "lists";
}

}  // namespace

const Rule dns_list_rule = {.name = rule_name::lists,
                            .ask = lists,
                            .silence = silence_of_lists,
                            .key = key_of_lists,
                            .at_rcpt =
                                [](const Case& asked) {
                                  return refuse_at_rcpt(asked.facts, asked.rules,
                                                        asked.allowed.skip_lists);
                                },
                            .silence_at_rcpt = silence_at_rcpt};

}  // namespace sekisho::policy
