#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "record/json.h"

namespace sekisho::record {

namespace {

using nlohmann::json;

json author_json(const mail::Author& author) {
  json mailboxes = json::array();
  for (const auto& mailbox : author.mailboxes) mailboxes.push_back(mailbox.text());
  return {{"result", to_string(author.result)},
          {"mailboxes", mailboxes},
          {"domain", author.well_formed() ? author.domain().text() : ""},
          {"reason", author.reason}};
}

json spf_json(const spf::Result& result) {
  return {{"scope", to_string(result.scope)},  {"result", to_string(result.code)},
          {"domain", result.domain},           {"reason", result.reason},
          {"explanation", result.explanation}, {"overbroad", result.overbroad}};
}

json dkim_json(const std::vector<dkim::SignatureResult>& signatures) {
  json all = json::array();
  for (const auto& s : signatures) {
    all.push_back({{"result", to_string(s.code)},
                   {"domain", s.domain},
                   {"selector", s.selector},
                   {"algorithm", s.algorithm},
                   {"identity", s.identity},
                   {"bits", s.key_bits},
                   {"testing", s.testing},
                   {"reason", s.reason}});
  }
  return all;
}

std::string optional(const std::optional<dmarc::Policy>& policy) {
  return policy ? std::string(to_string(*policy)) : std::string();
}

json published_json(const dmarc::Published& record) {
  return {{"p", to_string(record.p)},
          {"sp", optional(record.sp)},
          {"np", optional(record.np)},
          {"adkim", record.adkim_strict ? "s" : "r"},
          {"aspf", record.aspf_strict ? "s" : "r"},
          {"fo", record.fo},
          {"t", record.testing ? "y" : "n"},
          {"psd", to_string(record.psd)},
          {"rua", record.rua}};
}

// What was done with the message because of DMARC, in the words of RFC 9990.
std::string_view applied(const policy::Decision& decision) {
  if (decision.rule != policy::rule_name::dmarc) return "none";
  switch (decision.action) {
    case policy::Action::accept:
    case policy::Action::tag:
    case policy::Action::tempfail:
      return "none";
    case policy::Action::quarantine:
      return "quarantine";
    case policy::Action::reject:
      return "reject";
  }
  return "none";
}

json dmarc_json(const dmarc::Result& result, const policy::Decision& decision) {
  json overrides = json::array();
  for (const auto& [type, comment] : decision.overrides) {
    overrides.push_back({{"type", type}, {"comment", comment}});
  }
  return {{"result", to_string(result.code)},
          {"from", result.from},
          {"alias", result.alias},
          {"policy_domain", result.policy_domain},
          {"org_domain", result.org_domain},
          {"discovery", to_string(result.discovery)},
          {"tag", result.tag},
          {"policy", result.published ? to_string(result.policy) : ""},
          {"published", result.published ? published_json(*result.published) : json(nullptr)},
          {"testing", result.published && result.published->testing},
          {"requested", to_string(result.requested)},
          {"could_ask", optional(result.could_ask)},
          {"asks_anyway", optional(result.asks_anyway)},
          {"applied", applied(decision)},
          {"aligned_spf", result.aligned_spf},
          {"aligned_dkim", result.aligned_dkim},
          {"author_exists", result.author_exists},
          {"override", overrides},
          {"queries", result.queries},
          {"reason", result.reason}};
}

json matches_json(const std::vector<policy::AccessMatch>& matches) {
  json all = json::array();
  for (const auto& match : matches) {
    json object = {{"entry", match.entry},
                   {"place", match.place},
                   {"proof", proof_text(match.proof, match.proof_of)},
                   {"result", standing(match)},
                   {"holds", match.holds},
                   {"reason", match.reason}};
    if (match.deny) {
      object["action"] = to_string(*match.deny);
    } else {
      object["allows"] = to_text(match.effect);
    }
    all.push_back(std::move(object));
  }
  return all;
}

json lists_json(const std::vector<client::DnsListResult>& results) {
  json all = json::array();
  for (const auto& result : results) {
    all.push_back({{"name", result.name},
                   {"kind", to_string(result.kind)},
                   {"on", to_string(result.on)},
                   {"value", result.value},
                   {"result", to_string(result.code)},
                   {"codes", result.codes},
                   {"reason", result.reason}});
  }
  return all;
}

json edits_json(const std::vector<policy::Edit>& edits) {
  json all = json::array();
  for (const auto& edit : edits) {
    json object = {{"edit", to_string(edit.kind)}, {"name", edit.name}};
    if (edit.kind == policy::Edit::Kind::remove) {
      object["index"] = edit.index;
    } else {
      object["value"] = edit.value;
    }
    all.push_back(std::move(object));
  }
  return all;
}

json verdict_json(const policy::Verdict& verdict) {
  const auto decision_json = [](const policy::Decision& decision) {
    json object = {{"action", to_string(decision.action)},
                   {"rule", decision.rule},
                   {"reason", decision.reason},
                   {"reply", decision.reply ? decision.reply->line() : ""},
                   {"evidence", decision.evidence}};
    if (decision.monitored) {
      object["monitored"] = to_string(*decision.monitored);
      object["monitored_rule"] = decision.monitored_rule;
    }
    return object;
  };
  json object = decision_json(verdict.message);
  const auto recipients_json = [&](const std::vector<policy::RecipientDecision>& recipients) {
    json all = json::array();
    for (const auto& [to, decision] : recipients) {
      json recipient = decision_json(decision);
      recipient["to"] = to;
      all.push_back(std::move(recipient));
    }
    return all;
  };
  object["recipients"] = recipients_json(verdict.recipients);
  object["refused"] = recipients_json(verdict.refused);
  object["edits"] = edits_json(verdict.edits);
  return object;
}

}  // namespace

json to_json(const session::Outcome& outcome) {
  const auto& facts = outcome.facts;
  const auto& verdict = outcome.verdict;
  return {{"id", facts.id},
          {"skipped", to_string(facts.exemption)},
          {"released", facts.released_id},
          {"own_fields", to_string(facts.own_fields)},
          {"author", author_json(facts.author)},
          {"spf", json::array({spf_json(facts.spf_mail_from), spf_json(facts.spf_helo)})},
          {"dkim", dkim_json(facts.dkim)},
          // ARC is not evaluated by this version, and says so.
          {"arc", {{"result", "none"}, {"reason", "not evaluated"}}},
          {"dmarc", dmarc_json(facts.dmarc, verdict.message)},
          {"iprev",
           {{"result", to_string(facts.iprev.code)},
            {"name", facts.iprev.name},
            {"reason", facts.iprev.reason}}},
          {"lists", lists_json(facts.lists)},
          {"allowlist", matches_json(facts.allowlist)},
          {"denylist", matches_json(facts.denylist)},
          {"traces", facts.traces.fields},
          {"verdict", verdict_json(verdict)},
          {"authentication_results", ascii::trim(outcome.authentication_results)},
          {"dns", {{"questions", facts.dns_questions}, {"elapsed_ms", facts.dns_waited.count()}}}};
}

}  // namespace sekisho::record
