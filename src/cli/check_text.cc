#include "cli/check_text.h"

#include "base/encoding.h"

namespace sekisho::cli {

namespace {

std::string safe(std::string_view text) { return escape_for_log(text, 200); }

void line(std::string& out, std::string_view label, const std::string& text,
          const std::string& reason = {}) {
  constexpr std::size_t width = 12;
  out += label;
  out.append(label.size() < width ? width - label.size() : 1, ' ');
  out += text;
  if (!reason.empty()) out += "  (" + safe(reason) + ")";
  out += '\n';
}

std::string word(std::string_view result, const std::string& of) {
  return std::string(result) + (of.empty() ? "" : "  " + safe(of));
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
  std::string author(to_string(facts.author.result));
  if (facts.author.well_formed()) author = facts.author.domain().text();
  if (facts.author.readable()) author += " (readable)";
  line(out, "author", author, facts.author.reason);
  line(out, "iprev", word(to_string(facts.iprev.code), facts.iprev.name), facts.iprev.reason);
  line(out, "spf helo", word(to_string(facts.spf_helo.code), facts.spf_helo.domain),
       facts.spf_helo.reason);
  line(out, "spf", word(to_string(facts.spf_mail_from.code), facts.spf_mail_from.domain),
       facts.spf_mail_from.reason);
  if (facts.dkim.empty()) line(out, "dkim", "none");
  for (const auto& s : facts.dkim) {
    line(out, "dkim", word(to_string(s.code), s.domain + " " + s.selector + " " + s.algorithm),
         s.reason);
  }
  std::string dmarc(to_string(facts.dmarc.code));
  if (facts.dmarc.published) {
    dmarc += "  " + facts.dmarc.tag + "=" + std::string(to_string(facts.dmarc.policy)) + " of " +
             facts.dmarc.policy_domain;
  }
  line(out, "dmarc", dmarc, facts.dmarc.reason);
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
    // Our own text: its folds stay.
    out += "\nAuthentication-Results:" + outcome.authentication_results + "\n";
  }
  line(out, "dns",
       std::to_string(facts.dns_questions) + " questions, waited " +
           std::to_string(facts.dns_waited.count()) + " ms");
  return out;
}

}  // namespace sekisho::cli
