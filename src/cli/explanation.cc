#include "cli/explanation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/keys.h"
#include "policy/proofs.h"
#include "record/json.h"
#include "replay/replay.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

// The place of a key, for a recipient with the rules of [[policy]] number `policy` (from 1; 0:
// everybody's). For a table of its own or a line of a file: "dmarc.overrides[2]".
class Places {
 public:
  Places(const Rulebook& book, const policy::Rules& rules, const session::Decided& decided)
      : book_(book), rules_(rules), facts_(decided.outcome.facts) {
    const auto& policies = book.settings.rules.policies;
    for (std::size_t i = 0; i < policies.size(); ++i) {
      if (&policies[i].rules == &rules) policy_ = i + 1;
    }
  }

  ExplainedRule explain(policy::RuleOpinion opinion) const {
    ExplainedRule out;
    const std::string key = opinion.monitor_key.empty() ? opinion.key : opinion.monitor_key;
    out.opinion = std::move(opinion);
    if (key.empty()) return out;
    const auto exact = exact_key(key);
    out.key = exact.second;
    const auto place = book_.places.find(exact.first);
    out.place = place == book_.places.end() ? "the default" : place->second;
    return out;
  }

 private:
  // The name under which the place is recorded, and the key with its value.
  std::pair<std::string, std::string> exact_key(const std::string& key) const {
    if (key == "trust.networks") return network();
    if (auto override_key = overridden(key)) return *override_key;
    const auto* row = config::find_key(key);
    if (row == nullptr || row->entry) return {key, key};
    if (!row->rule) return {key, key + " = " + row->slot.show(book_.settings)};
    const std::string value = " = " + row->rule.show(rules_);
    const std::string own =
        "policy[" + std::to_string(policy_) + "]." + std::string(row->in_policy);
    if (policy_ > 0 && book_.places.contains(own)) {
      return {own, "[[policy]] number " + std::to_string(policy_) + ", " +
                       std::string(row->in_policy) + value};
    }
    return {key, key + value};
  }

  std::pair<std::string, std::string> network() const {
    const auto& networks = book_.settings.session.trust.networks;
    const auto* entry = facts_.client.address ? networks.deciding(*facts_.client.address) : nullptr;
    if (entry == nullptr) return {"trust.networks", "trust.networks"};
    return {"trust.networks[" + std::to_string(entry - networks.entries().data()) + "]",
            "trust.networks has " + entry->text()};
  }

  // The entry of [dmarc] overrides that sets this key for this author.
  std::optional<std::pair<std::string, std::string>> overridden(const std::string& key) const {
    if (!facts_.author.well_formed()) return std::nullopt;
    const auto& all = book_.settings.rules.overrides;
    const auto* entry = book_.settings.rules.override_for(policy::judged_author(facts_));
    if (entry == nullptr) return std::nullopt;
    const bool says = (key == "dmarc.reject" && entry->reject) ||
                      (key == "dmarc.quarantine" && entry->quarantine) ||
                      (key == "dmarc.temperror" && entry->temperror);
    if (!says) return std::nullopt;
    const std::string name = "dmarc.overrides[" + std::to_string(entry - all.data()) + "]";
    return std::pair{name, "dmarc.overrides for " + entry->domain.text()};
  }

  const Rulebook& book_;
  const policy::Rules& rules_;
  const policy::Facts& facts_;
  std::size_t policy_ = 0;
};

ExplainedRules explain_rules(const session::Decided& decided, const Rulebook& book,
                             const policy::Rules& rules, std::vector<std::string> recipients) {
  const auto& facts = decided.outcome.facts;
  const auto* override_rule = facts.author.well_formed()
                                  ? book.settings.rules.override_for(policy::judged_author(facts))
                                  : nullptr;
  ExplainedRules out{std::move(recipients), {}};
  const Places places(book, rules, decided);
  auto opinions = decided.inputs.at_rcpt ? policy::opinions_at_rcpt(facts, rules)
                                         : policy::opinions(facts, rules, override_rule);
  for (auto& opinion : opinions) {
    out.rules.push_back(places.explain(std::move(opinion)));
  }
  return out;
}

json rules_json(const ExplainedRules& group) {
  json rules = json::array();
  for (const auto& [opinion, key, place] : group.rules) {
    json rule = {{"rule", opinion.rule}, {"said", to_string(opinion.said)}, {"why", opinion.why}};
    if (opinion.decision) rule["action"] = to_string(action_of(opinion));
    if (!key.empty()) rule["key"] = key;
    if (!place.empty()) rule["place"] = place;
    rules.push_back(std::move(rule));
  }
  return {{"recipients", group.recipients}, {"rules", std::move(rules)}};
}

json dns_json(const dns::Answers& answers) {
  json all = json::array();
  for (const auto& [question, answer] : answers.all()) {
    json records = answer->texts;
    for (const auto& address : answer->addresses) records.push_back(address.text());
    for (const auto& mx : answer->exchanges) {
      records.push_back(std::to_string(mx.preference) + " " + mx.exchange);
    }
    for (const auto& pointer : answer->pointers) records.push_back(pointer);
    all.push_back({{"question", dns::to_string(question)},
                   {"outcome", dns::to_string(answer->outcome)},
                   {"error", answer->error},
                   {"ttl", answer->ttl.count()},
                   {"records", std::move(records)}});
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

policy::Action action_of(const policy::RuleOpinion& opinion) {
  // A DNS list in monitor mode has already turned its decision into `accept`.
  return opinion.decision->monitored.value_or(opinion.decision->action);
}

Explanation explain_decision(session::Decided decided, const Rulebook& book) {
  Explanation out;
  const auto& facts = decided.outcome.facts;
  std::vector<std::pair<const policy::Rules*, std::vector<std::string>>> groups;
  for (const auto& to : decided.inputs.at_rcpt ? facts.refused_recipients : facts.recipients) {
    const auto* rules = &book.settings.rules.for_recipient(to);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& each) { return each.first == rules; });
    if (group == groups.end()) group = groups.insert(groups.end(), {rules, {}});
    group->second.push_back(to.raw());
  }
  if (groups.empty()) groups.push_back({&book.settings.rules.defaults, {}});
  if (decided.failure.empty()) {
    for (auto& [rules, recipients] : groups) {
      out.groups.push_back(explain_rules(decided, book, *rules, std::move(recipients)));
    }
    if (book.lacks.empty() && !decided.inputs.answers_left_out)
      out.alternatives = replay::what_if(decided, *book.snapshot);
  }
  out.decided = std::move(decided);
  return out;
}

json explanation_json(const Explanation& explanation) {
  const auto& [outcome, configuration, failure, inputs] = explanation.decided;
  const auto& facts = outcome.facts;
  json out = record::to_json(outcome);
  out["time"] = to_iso8601(facts.received);
  out["queue_id"] = facts.queue_id;
  out["client"] = {{"address", facts.client.address ? facts.client.address->text() : ""},
                   {"name", facts.client.name},
                   {"helo", facts.client.helo}};
  out["mail_from"] = facts.mail_from.raw();
  out["recipients"] = mail::raw_texts(facts.recipients);
  out["refused_recipients"] = mail::raw_texts(facts.refused_recipients);
  out["at_rcpt"] = inputs.at_rcpt;
  // Not known yet, which is not the same as missing.
  if (inputs.at_rcpt) out["author"] = out["dkim"] = out["dmarc"] = nullptr;
  out["configuration"] = configuration;
  out["failure"] = failure;
  out["rules"] = json::array();
  for (const auto& group : explanation.groups) out["rules"].push_back(rules_json(group));
  out["what_if"] = json::array();
  for (const auto& each : explanation.alternatives) {
    const auto action = each.passes_rcpt ? replay::not_refused_at_rcpt : to_string(each.action);
    out["what_if"].push_back({{"if", each.change}, {"action", action}, {"rule", each.rule}});
  }
  out["answers"] = dns_json(inputs.answers);
  if (inputs.left_out > 0) out["header_octets_left_out"] = inputs.left_out;
  if (inputs.answers_left_out) out["answers"] = nullptr;
  if (!explanation.caveat.empty()) out["caveat"] = explanation.caveat;
  return out;
}

}  // namespace sekisho::cli
