#include <algorithm>

#include "base/terminal_text.h"
#include "cli/explanation.h"
#include "cli/result_lines.h"
#include "mail/encoded_word.h"
#include "replay/replay.h"

namespace sekisho::cli {

namespace {

using Said = policy::RuleOpinion::Said;

constexpr std::string_view not_yet = "not known yet";

std::string safe(std::string_view text) { return printable(text, 200); }

ResultLines lines_of(std::string& out) { return {out, 2, explanation_indent - 2, safe}; }

// "  label       text  (reason)"
void line(std::string& out, std::string_view label, const std::string& text,
          const std::string& reason = {}) {
  lines_of(out).add(label, text, reason);
}

void title(std::string& out, const std::string& text) { out += "\n" + text + "\n"; }

std::string shown_client(const policy::Client& client) {
  const bool unknown = client.name.empty() || client.name.front() == '[';
  std::string text = unknown ? "unknown" : safe(client.name);
  text += "[" + (client.address ? client.address->text() : client.unix_socket ? "unix" : "unknown");
  return text + "], HELO " + safe(client.helo);
}

std::string date_time(WallTime time) {
  auto text = to_iso8601(time);
  text[10] = ' ';
  text.pop_back();
  return text + " UTC";
}

std::string held_text(const session::Outcome& outcome) {
  using Held = session::Outcome::Held;
  switch (outcome.held) {
    case Held::no:
      return {};
    case Held::by_mta:
      return "held by the MTA\n";
    case Held::some:
      return "held in our own store for " + std::to_string(outcome.recipients_held.size()) +
             " of its recipients\n";
    case Held::whole:
      return "held in our own store\n";
  }
  return {};
}

void show_head(std::string& out, const Explanation& explanation) {
  const auto& facts = explanation.decided.outcome.facts;
  const auto& decision = explanation.decided.outcome.verdict.message;
  out += facts.id + "  " + date_time(facts.received);
  if (!facts.queue_id.empty()) out += "  queue id " + safe(facts.queue_id);
  out += "\n" + std::string(to_string(decision.action)) + " by the rule " + decision.rule;
  if (!decision.reason.empty()) out += ": " + safe(decision.reason);
  out += '\n';
  if (decision.monitored) {
    out += "monitor mode: it would have been " + std::string(to_string(*decision.monitored)) +
           (decision.monitored_rule.empty() ? "" : " by the rule " + decision.monitored_rule) +
           "\n";
  }
  if (decision.reply) out += "reply: " + decision.reply->line() + "\n";
  if (explanation.decided.inputs.at_rcpt) out += "at RCPT, before there was a message\n";
  out += held_text(explanation.decided.outcome);
  if (!explanation.caveat.empty()) out += "\n" + explanation.caveat + "\n";
}

// If all were refused, the verdict has the reason; an old record has none.
void show_refused(std::string& out, const session::Outcome& outcome) {
  const auto& refused = outcome.verdict.refused;
  if (refused.empty()) {
    for (const auto& to : outcome.facts.refused_recipients) {
      line(out, "refused", "<" + safe(to.raw()) + ">");
    }
  }
  for (const auto& [to, decision] : refused) {
    line(out, "refused", "<" + safe(to) + "> by " + decision.rule, decision.reason);
    if (decision.reply) line(out, "", decision.reply->line());
  }
}

void show_who(std::string& out, const session::Decided& decided) {
  const auto& facts = decided.outcome.facts;
  title(out, "Who");
  line(out, "client", shown_client(facts.client));
  if (facts.relay) line(out, "relay", shown_client(*facts.relay), facts.relay_reason);
  line(out, "sender", "<" + safe(facts.mail_from.raw()) + ">");
  constexpr std::size_t shown = 20;
  for (std::size_t i = 0; i < std::min(shown, facts.recipients.size()); ++i) {
    line(out, i == 0 ? "to" : "", "<" + safe(facts.recipients[i].raw()) + ">");
  }
  if (facts.recipients.size() > shown) {
    line(out, "", "and " + std::to_string(facts.recipients.size() - shown) + " more");
  }
  show_refused(out, decided.outcome);
  if (const auto* from = decided.inputs.header.first("From")) {
    line(out, "From", safe(mail::decode_encoded_words(from->unfolded())));
  }
  if (const auto* subject = decided.inputs.header.first("Subject")) {
    line(out, "Subject", safe(mail::decode_encoded_words(subject->unfolded())));
  }
}

// At RCPT it is not recorded whether SPF had a result: a result without a name is none.
void show_spf(ResultLines& lines, std::string_view label, const spf::Result& spf, bool at_rcpt) {
  if (at_rcpt && spf.domain.empty()) {
    lines.add(label, not_yet, spf.reason);
  } else {
    add_spf(lines, label, spf);
  }
}

void show_checks(std::string& out, const policy::Facts& facts, bool at_rcpt) {
  auto lines = lines_of(out);
  if (at_rcpt) {
    lines.add("author", not_yet);
  } else {
    add_author(lines, facts.author);
  }
  add_iprev(lines, facts.iprev);
  show_spf(lines, "spf helo", facts.spf_helo, at_rcpt);
  show_spf(lines, "spf", facts.spf_mail_from, at_rcpt);
  if (at_rcpt) {
    lines.add("dkim", not_yet);
    lines.add("dmarc", not_yet);
    return;
  }
  add_signatures(lines, facts.dkim);
  add_dmarc(lines, facts.dmarc);
  if (!facts.dmarc.alias.empty()) {
    lines.add("", "judged as " + facts.dmarc.from,
              facts.dmarc.alias + " is an alias of it, and the MTA delivers that name");
  }
}

void show_known(std::string& out, const policy::Facts& facts, const policy::Decision& decision,
                bool at_rcpt) {
  title(out, "What was known");
  if (facts.exemption == policy::Exemption::released) {
    const auto& id = facts.released_id;
    line(out, "released", "from our own quarantine, not evaluated a second time",
         id.empty() ? id : "sekisho explain " + id + " tells why it was held");
    return;
  }
  if (facts.exemption != policy::Exemption::none) {
    line(out, "client", std::string(to_string(facts.exemption)) + ": nothing was looked up");
    return;
  }
  show_checks(out, facts, at_rcpt);
  for (const auto& list : facts.lists) {
    std::string text = list.name + "  " + std::string(to_string(list.on)) + " " + safe(list.value) +
                       "  " + std::string(to_string(list.code));
    if (!list.codes.empty()) text += " " + list.codes;
    line(out, std::string(to_string(list.kind)), text, list.reason);
  }
  for (const auto& match : facts.allowlist) {
    line(out, "allowlist", safe(match.entry) + "  " + std::string(standing(match)),
         match.place + (match.reason.empty() ? "" : ", " + match.reason));
  }
  for (const auto& match : facts.denylist) {
    line(out, "denylist", safe(match.entry), match.place);
  }
  for (const auto& trace : facts.traces.fields) line(out, "trace", safe(trace));
  if (facts.author_is_ours) line(out, "author", "is of one of our own domains");
  if (facts.deferred_for) {
    line(out, "deferred", "for " + std::to_string(facts.deferred_for->count()) + " s so far");
  }
  for (const auto& evidence : decision.evidence) line(out, "evidence", safe(evidence));
}

// "reject, 192.0.2.10 is listed by zen (127.0.0.4)".
std::string said_by(const policy::RuleOpinion& opinion) {
  const std::string why = safe(opinion.why);
  return std::string(to_string(action_of(opinion))) + (why.empty() ? "" : ", " + why);
}

void show_rule(std::string& out, const ExplainedRule& rule) {
  const auto& opinion = rule.opinion;
  const std::string why = safe(opinion.why);
  switch (opinion.said) {
    case Said::nothing:
      line(out, opinion.rule, "says nothing: " + why);
      break;
    case Said::spoke:
      line(out, opinion.rule, "DECIDES: " + said_by(opinion));
      break;
    case Said::monitored:
      line(out, opinion.rule, "would decide, but is in monitor mode: " + said_by(opinion));
      break;
    case Said::not_yet:
      line(out, opinion.rule, why);
      break;
    case Said::not_asked:
      if (!opinion.decision) {
        line(out, opinion.rule, "not asked; it would say nothing: " + why);
      } else {
        const bool monitor = opinion.decision->monitored.has_value();
        line(out, opinion.rule,
             std::string("not asked; it would say") + (monitor ? ", in monitor mode: " : ": ") +
                 said_by(opinion));
      }
      break;
  }
  if (!rule.key.empty() && opinion.said != Said::not_asked) {
    line(out, "", rule.key + "  (" + safe(rule.place) + ")");
  }
}

void show_rules(std::string& out, const Explanation& explanation) {
  for (const auto& group : explanation.groups) {
    std::string whom;
    if (explanation.groups.size() > 1 && !group.recipients.empty()) {
      whom = ", for <" + printable(group.recipients.front(), 40) + ">";
      if (group.recipients.size() > 1) {
        whom += " and " + std::to_string(group.recipients.size() - 1) + " more";
      }
    }
    title(out, "The rules, in their order" + whom);
    bool decided = false;
    for (const auto& rule : group.rules) {
      show_rule(out, rule);
      decided |= rule.opinion.said == Said::spoke;
    }
    if (decided) continue;
    const bool at_rcpt = explanation.decided.inputs.at_rcpt;
    line(out, "default", at_rcpt ? "no rule refuses at RCPT" : "no rule decides: accept");
  }
}

void show_alternatives(std::string& out, const Explanation& explanation) {
  if (explanation.groups.empty()) return;
  title(out, "What would have changed it");
  for (const auto& each : explanation.alternatives) {
    out += "  if " + safe(each.change) + ":  ";
    out += each.passes_rcpt ? std::string(replay::not_refused_at_rcpt)
                            : std::string(to_string(each.action)) + " (" + each.rule + ")";
    out += '\n';
  }
  if (explanation.alternatives.empty()) out += "  nothing that was tried\n";
}

void show_dns(std::string& out, const session::Decided& decided) {
  const auto& facts = decided.outcome.facts;
  const auto& answers = decided.inputs.answers.all();
  // For a released message: the lookups until the store recognised it.
  const bool released = facts.exemption == policy::Exemption::released;
  title(out, "The DNS (" + std::to_string(facts.dns_questions) + " questions, waited " +
                 std::to_string(facts.dns_waited.count()) + " ms" +
                 (released ? "; nothing of it was needed" : "") + ")");
  std::vector<std::pair<std::string, const dns::Answer*>> sorted;
  for (const auto& [question, answer] : answers) {
    sorted.emplace_back(dns::to_string(question), answer.get());
  }
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [question, answer] : sorted) {
    std::string text = answer->is_error() ? "error: " + safe(answer->error)
                                          : std::string(to_string(answer->outcome));
    if (!answer->is_error()) text += ", TTL " + std::to_string(answer->ttl.count());
    out += "  ";
    append_uncut_cell(out, question, 44, Charset::utf8);
    out += " " + text + "\n";
    const auto record = [&](const std::string& content) { line(out, "", safe(content)); };
    for (const auto& each : answer->texts) record(each);
    for (const auto& each : answer->addresses) record(each.text());
    for (const auto& each : answer->exchanges) {
      record(std::to_string(each.preference) + " " + each.exchange);
    }
    for (const auto& each : answer->pointers) record(each);
  }
}

}  // namespace

std::string explanation_text(const Explanation& explanation) {
  std::string out;
  const auto& decided = explanation.decided;
  const auto& verdict = decided.outcome.verdict;
  show_head(out, explanation);
  show_who(out, decided);
  show_known(out, decided.outcome.facts, verdict.message, decided.inputs.at_rcpt);
  const bool differ =
      std::any_of(verdict.recipients.begin(), verdict.recipients.end(),
                  [&](const auto& each) { return !(each.decision == verdict.message); });
  if (differ) {
    title(out, "For each recipient");
    for (const auto& [to, decision] : verdict.recipients) {
      line(out, std::string(to_string(decision.action)), "<" + safe(to) + "> by " + decision.rule,
           decision.reason);
    }
  }
  show_rules(out, explanation);
  show_alternatives(out, explanation);
  show_dns(out, decided);
  return out;
}

}  // namespace sekisho::cli
