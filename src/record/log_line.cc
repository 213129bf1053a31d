#include <algorithm>
#include <set>

#include "base/log.h"
#include "record/log_line.h"

namespace sekisho::record {

namespace {

std::string angle(const std::string& address) { return "<" + address + ">"; }

std::string dkim_text(const std::vector<dkim::SignatureResult>& signatures) {
  if (signatures.empty()) return "none";
  std::string text;
  // At most ten are verified; the others were not looked at.
  for (std::size_t i = 0; i < std::min<std::size_t>(signatures.size(), 10); ++i) {
    const auto& s = signatures[i];
    if (i > 0) text += ",";
    text += to_string(s.code);
    if (!s.domain.empty()) text += "(" + s.domain + " " + s.selector + " " + s.algorithm + ")";
  }
  if (signatures.size() > 10) text += ",+" + std::to_string(signatures.size() - 10);
  return text;
}

std::string dmarc_text(const dmarc::Result& result) {
  std::string details;
  if (result.published) {
    details = result.tag + "=" + std::string(to_string(result.policy));
    if (result.published->testing) details += " t=y";
    if (result.discovery == dmarc::Discovery::treewalk) {
      details += " walk=" + std::to_string(result.queries.size());
    }
  }
  // `author` is the alias.
  if (!result.alias.empty()) details += (details.empty() ? "as=" : " as=") + result.from;
  const std::string code(to_string(result.code));
  return details.empty() ? code : code + "(" + details + ")";
}

// The first few recipients, and the number of the others.
std::string recipients_text(const std::vector<mail::Path>& recipients) {
  constexpr std::size_t most = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, recipients.size()); ++i) {
    text += (i == 0 ? "" : ",") + angle(recipients[i].raw());
  }
  if (recipients.size() > most) text += ",+" + std::to_string(recipients.size() - most);
  return text;
}

std::string recipients_text(const std::vector<policy::RecipientDecision>& recipients) {
  std::string text;
  for (const auto& [to, decision] : recipients) {
    if (!text.empty()) text += ",";
    text += angle(to) + ":" + std::string(to_string(decision.action));
  }
  return text;
}

// "-", what holds as "dkim:lists.freebsd.org(proven)", or "unproven(from:example.com)";
// "own-domain(dkim:mailer.example)" is proven, but does not cover a message in our own name.
std::string allow_text(const std::vector<policy::AccessMatch>& matches) {
  std::string holding;
  std::string unproven;
  std::string not_for_us;
  for (const auto& match : matches) {
    std::string& text = match.holds ? holding : match.proven ? not_for_us : unproven;
    std::string word = match.entry;
    if (!match.proof_of.empty()) word += "/" + proof_text(match.proof, match.proof_of);
    if (match.holds) word.append("(").append(standing(match)).append(")");
    // The same identity may occur with several proofs.
    if (text == word || text.ends_with("," + word)) continue;
    text += (text.empty() ? "" : ",") + word;
  }
  if (!holding.empty()) return holding;
  if (!not_for_us.empty()) return "own-domain(" + not_for_us + ")";
  return unproven.empty() ? "-" : "unproven(" + unproven + ")";
}

bool recipients_differ(const policy::Verdict& verdict) {
  return std::any_of(verdict.recipients.begin(), verdict.recipients.end(),
                     [&](const auto& r) { return r.decision.action != verdict.message.action; });
}

// "dnsbl:zen,dnsbl:other(tempfail)": each rule once. As many as an installation has lists; a line
// is 4 KB at most.
std::string refused_rules(const std::vector<policy::RecipientDecision>& refused) {
  std::string text;
  std::set<std::string> told;
  for (const auto& [to, decision] : refused) {
    std::string each = decision.rule;
    if (decision.action != policy::Action::reject) {
      each.append("(").append(to_string(decision.action)).append(")");
    }
    if (told.size() == 20 || !told.insert(each).second) continue;
    text += (text.empty() ? "" : ",") + each;
  }
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

// "zen:127.0.0.4,dbl:temperror"; each list once; "-" if there is nothing to report.
std::string lists_text(const std::vector<client::DnsListResult>& results) {
  std::string text;
  std::set<std::string> told;
  for (const auto& result : results) {
    if (result.code == client::DnsListCode::not_listed) continue;
    const bool listed = result.code == client::DnsListCode::listed;
    std::string each =
        result.name + ":" + (listed ? result.codes : std::string(to_string(result.code)));
    // As many as an installation has lists; a line is 4 KB at most.
    if (told.size() == 20 || !told.insert(each).second) continue;
    text += (text.empty() ? "" : ",") + each;
  }
  return text.empty() ? "-" : text;
}

std::string spf_text(const spf::Result& result, bool at_rcpt) {
  // Whether SPF had a result by then is not recorded: a result without a name is none.
  if (at_rcpt && result.domain.empty()) return "-";
  std::string text(to_string(result.code));
  if (result.scope == spf::Scope::mfrom) text += result.overbroad ? "(mfrom overbroad)" : "(mfrom)";
  return text;
}

// "-" means not known yet when the recipients were refused.
void add_results(LogLine& line, const policy::Facts& facts) {
  const bool at_rcpt = facts.recipients.empty() && !facts.refused_recipients.empty();
  const std::string_view author =
      facts.author.well_formed() ? facts.author.domain().text() : to_string(facts.author.result);
  line.field("author", at_rcpt ? "-" : author);
  if (facts.author.readable()) line.field("author_result", to_string(facts.author.result));
  line.plain("spf", spf_text(facts.spf_mail_from, at_rcpt));
  line.plain("helo_spf", spf_text(facts.spf_helo, at_rcpt));
  line.plain("dkim", at_rcpt ? "-" : dkim_text(facts.dkim));
  line.plain("dmarc", at_rcpt ? "-" : dmarc_text(facts.dmarc));
  line.plain("iprev", to_string(facts.iprev.code));
  line.plain("lists", lists_text(facts.lists));
  line.plain("allow", allow_text(facts.allowlist));
}

}  // namespace

std::string log_line(const policy::Facts& facts, const policy::Verdict& verdict) {
  const auto& decision = verdict.message;
  LogLine line(facts.queue_id.empty() ? "NOQUEUE:" : facts.queue_id + ":");
  line.field("id", facts.id)
      .word("client", policy::client_text(facts.client))
      .word("helo", facts.client.helo)
      .word("from", angle(facts.mail_from.raw()));
  if (facts.recipients.size() == 1) {
    line.word("to", angle(facts.recipients.front().raw()));
  } else if (!facts.recipients.empty() || facts.refused_recipients.empty()) {
    line.field("nrcpt", facts.recipients.size());
  }
  if (!facts.refused_recipients.empty()) {
    line.word("refused", recipients_text(facts.refused_recipients));
  }
  if (!verdict.refused.empty()) line.plain("refused_rule", refused_rules(verdict.refused));
  if (facts.relay) {
    line.word("relay", policy::client_text(*facts.relay));
    // If the Received field names no client, the message was judged without one.
    if (!facts.client.address)
      line.plain("relay_reason", facts.relay_reason.substr(0, facts.relay_reason.find(':')));
  }
  if (facts.exemption != policy::Exemption::none) {
    line.field("skipped", to_string(facts.exemption));
    if (!facts.released_id.empty()) line.field("released", facts.released_id);
    if (facts.own_fields != policy::OwnFields::none)
      line.field("own_fields", to_string(facts.own_fields));
  } else {
    add_results(line, facts);
  }
  line.field("action", to_string(decision.action)).field("rule", decision.rule);
  if (decision.monitored) {
    line.field("monitor", to_string(*decision.monitored));
    line.field("monitor_rule", decision.monitored_rule);
  }
  if (!decision.reason.empty()) line.field("reason", decision.reason);
  if (!decision.evidence.empty()) line.field("evidence", joined(decision.evidence));
  if (recipients_differ(verdict)) line.word("recipients", recipients_text(verdict.recipients));
  const auto ms = [](std::chrono::milliseconds time) {
    return std::to_string(time.count()) + "ms";
  };
  line.plain("dns", std::to_string(facts.dns_questions) + "/" + ms(facts.dns_waited));
  line.plain("total", ms(facts.elapsed));
  return line.text();
}

}  // namespace sekisho::record
