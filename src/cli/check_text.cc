#include "cli/check_text.h"

#include "base/encoding.h"
#include "cli/result_lines.h"

namespace sekisho::cli {

namespace {

std::string safe(std::string_view text) { return escape_for_log(text, 200); }

ResultLines lines_of(std::string& out) { return {out, 0, 12, safe}; }

void line(std::string& out, std::string_view label, const std::string& text,
          const std::string& reason = {}) {
  lines_of(out).add(label, text, reason);
}

void show_lists(std::string& out, const std::vector<client::DnsListResult>& results) {
  for (const auto& result : results) {
    std::string text = result.name + "  " + std::string(to_string(result.code));
    if (!result.codes.empty()) text += " " + result.codes;
    text += "  " + std::string(to_string(result.on)) + "=" + safe(result.value);
    line(out, "list", text, result.reason);
  }
}

void show_results(std::string& out, const policy::Facts& facts) {
  auto lines = lines_of(out);
  add_author(lines, facts.author);
  add_iprev(lines, facts.iprev);
  add_spf(lines, "spf helo", facts.spf_helo);
  add_spf(lines, "spf", facts.spf_mail_from);
  add_signatures(lines, facts.dkim);
  add_dmarc(lines, facts.dmarc);
  show_lists(out, facts.lists);
}

void show_matches(std::string& out, const policy::Facts& facts) {
  for (const auto& match : facts.allowlist) {
    line(out, "allowlist", safe(match.entry) + "  " + std::string(standing(match)), match.reason);
    line(out, "",
         (match.holds ? to_text(match.effect) : "does nothing") + "  " + safe(match.place));
  }
  for (const auto& match : facts.denylist) {
    line(out, "denylist", safe(match.entry) + "  " + std::string(standing(match)), match.reason);
    line(out, "",
         std::string(to_string(match.deny.value_or(policy::Action::reject))) + "  " +
             safe(match.place));
  }
}

void show_verdict(std::string& out, const policy::Verdict& verdict) {
  const auto& decision = verdict.message;
  line(out, "verdict", std::string(to_string(decision.action)) + "  rule=" + decision.rule,
       decision.reason);
  if (decision.monitored) {
    line(out, "",
         "monitor mode: would be " + std::string(to_string(*decision.monitored)) + " by the rule " +
             decision.monitored_rule);
  }
  if (decision.reply) line(out, "reply", decision.reply->line());
  for (const auto& evidence : decision.evidence) line(out, "evidence", evidence);
  if (verdict.recipients.size() > 1) {
    for (const auto& [to, one] : verdict.recipients) {
      line(out, "recipient", "<" + safe(to) + "> " + std::string(to_string(one.action)),
           one.reason);
    }
  }
  for (const auto& edit : verdict.edits) {
    if (edit.kind == policy::Edit::Kind::remove) {
      line(out, "removes", safe(edit.name) + " number " + std::to_string(edit.index));
    }
  }
}

}  // namespace

std::string check_text(const session::Outcome& outcome) {
  std::string out;
  const auto& facts = outcome.facts;
  line(out, "id", facts.id);
  if (facts.exemption == policy::Exemption::none) {
    show_results(out, facts);
    show_matches(out, facts);
  } else {
    line(out, "skipped", std::string(to_string(facts.exemption)),
         "this client is trusted; see [trust] in the configuration");
  }
  show_verdict(out, outcome.verdict);
  if (!outcome.authentication_results.empty()) {
    // Our own text keeps its folds.
    out += "\nAuthentication-Results:" + outcome.authentication_results + "\n";
  }
  line(out, "dns",
       std::to_string(facts.dns_questions) + " questions, waited " +
           std::to_string(facts.dns_waited.count()) + " ms");
  return out;
}

}  // namespace sekisho::cli
