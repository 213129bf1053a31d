#include "policy/decide.h"

#include <algorithm>

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

Decision accept(std::string rule, std::string reason = {}) {
  Decision decision;
  decision.rule = std::move(rule);
  decision.reason = std::move(reason);
  return decision;
}

Decision make(Action action, std::string rule, std::string reason) {
  Decision decision = accept(std::move(rule), std::move(reason));
  decision.action = action;
  return decision;
}

Decision refuse(SmtpReply reply, std::string rule, std::string reason) {
  auto decision = make(reply.permanent() ? Action::reject : Action::tempfail, std::move(rule),
                       std::move(reason));
  decision.reply = std::move(reply);
  return decision;
}

// The id is what the sender's postmaster will ask about: a long text is cut before it, so that it
// stays within the 512 octets of a reply line (RFC 5321 §4.5.3.1.5).
std::string with_id(std::string text, const Facts& facts) {
  constexpr std::size_t most = 470;
  if (text.size() > most) text.resize(most);
  return std::move(text) + " (id=" + facts.id + ")";
}

// A temporary failure, or, once the sender has been put off for long enough, delivery with a tag: a
// broken DNS of the sender's must not bounce his mail.
Decision defer(const Facts& facts, const DmarcRule& rule, std::string_view status,
               const std::string& name, const std::string& reason) {
  if (facts.deferred_for && *facts.deferred_for >= rule.defer_for) {
    return make(Action::tag, name, reason + "; deferred long enough");
  }
  return refuse(SmtpReply(451, status, with_id("temporary failure: " + reason, facts)), name,
                reason);
}

// RFC 9989 §5.3.1: exactly one Author Domain, or there is nothing that DMARC could be asked about.
std::optional<Decision> malformed_author(const Facts& facts, const AuthorRule& rule) {
  if (facts.author.well_formed()) return std::nullopt;
  const std::string reason = "malformed author: " + facts.author.reason;
  using Result = mail::Author::Result;
  const bool nobody =
      facts.author.result == Result::missing || facts.author.result == Result::no_domain;
  // Old MTAs send bounces without a From, or with one that has no domain.
  if (nobody && facts.mail_from.empty()) return make(Action::tag, "author", reason);
  switch (rule.malformed) {
    case OnMalformedAuthor::reject:
      return refuse(SmtpReply(550, "5.7.1",
                              with_id("the From field must name one author domain: " +
                                          std::string(mail::to_string(facts.author.result)),
                                      facts)),
                    "author", reason);
    case OnMalformedAuthor::quarantine:
      return make(Action::quarantine, "author", reason);
    case OnMalformedAuthor::tag:
      return make(Action::tag, "author", reason);
  }
  return std::nullopt;
}

// The MAIL FROM would align if SPF had passed for it (RFC 9989 §5.3.3).
bool mail_from_aligns(const Facts& facts) {
  const auto& dmarc = facts.dmarc;
  const auto domain = mail::DomainName::parse(facts.spf_mail_from.domain);
  if (!domain) return false;
  if (domain->text() == dmarc.from) return true;
  if (dmarc.published && dmarc.published->aspf_strict) return false;
  const auto organization = mail::DomainName::parse(dmarc.org_domain);
  return organization && domain->is_or_is_below(*organization);
}

// What speaks against the message besides p=reject itself (RFC 9989 §7.4). `suffices` is set when
// it is enough.
std::vector<std::string> evidence_against(const Facts& facts, bool& suffices) {
  std::vector<std::string> evidence;
  const bool via_list = facts.traces.any();
  if (facts.dmarc.tag == "np" && !facts.dmarc.author_exists) {
    evidence.emplace_back("author-domain-does-not-exist");
    suffices = true;
  }
  // The next two also happen to honest mail that came over a list or a forwarder.
  if (facts.author_is_ours && !via_list) {
    evidence.emplace_back("own-domain-from-outside");
    suffices = true;
  }
  if (facts.spf_mail_from.code == spf::Code::fail && mail_from_aligns(facts) && !via_list) {
    evidence.emplace_back("spf-fail-aligned");  // never suffices alone: forwarding breaks SPF
  }
  return evidence;
}

Decision dmarc_reject(const Facts& facts, std::string reason) {
  return refuse(
      SmtpReply(550, "5.7.1", with_id("rejected by DMARC policy for " + facts.dmarc.from, facts)),
      "dmarc", std::move(reason));
}

// A milder disposition than the owner asked for is told to him in the aggregate report (RFC 9990).
Decision milder(Action action, std::string reason, std::string comment) {
  auto decision = make(action, "dmarc", std::move(reason));
  decision.overrides.emplace_back("local_policy", std::move(comment));
  return decision;
}

Decision on_requested_reject(const Facts& facts, OnDmarcReject mode) {
  bool suffices = false;
  auto evidence = evidence_against(facts, suffices);
  Decision decision;
  switch (mode) {
    case OnDmarcReject::always:
      decision = dmarc_reject(facts, "p=reject");
      break;
    case OnDmarcReject::corroborated:
      decision = suffices
                     ? dmarc_reject(facts, "p=reject, corroborated")
                     : milder(Action::quarantine, "p=reject, not corroborated", "not corroborated");
      break;
    case OnDmarcReject::quarantine:
      decision = milder(Action::quarantine, "p=reject, quarantined here", "reject=quarantine");
      break;
    case OnDmarcReject::tag:
      decision = milder(Action::tag, "p=reject, tagged here", "reject=tag");
      break;
  }
  decision.evidence = std::move(evidence);
  return decision;
}

Decision on_requested_quarantine(const Facts& facts, OnDmarcQuarantine mode) {
  switch (mode) {
    case OnDmarcQuarantine::quarantine:
      return make(Action::quarantine, "dmarc", "p=quarantine");
    case OnDmarcQuarantine::tag:
      return milder(Action::tag, "p=quarantine, tagged here", "quarantine=tag");
    case OnDmarcQuarantine::reject: {
      auto decision = dmarc_reject(facts, "p=quarantine, rejected here");
      decision.overrides.emplace_back("local_policy", "quarantine=reject");
      return decision;
    }
  }
  return accept("dmarc");
}

// The policy could not be read, or is one that would have mattered.
bool dmarc_temperror_matters(const dmarc::Result& dmarc) {
  return dmarc.code == dmarc::Code::temperror &&
         (!dmarc.published || dmarc.policy != dmarc::Policy::none);
}

// Nothing when DMARC leaves the message to the rules that follow it.
std::optional<Decision> by_dmarc(const Facts& facts, const DmarcRule& rule,
                                 const DmarcOverride* override_rule) {
  DmarcRule effective = rule;
  if (override_rule != nullptr) {
    effective.reject = override_rule->reject.value_or(rule.reject);
    effective.quarantine = override_rule->quarantine.value_or(rule.quarantine);
    effective.temperror = override_rule->temperror.value_or(rule.temperror);
  }
  if (facts.dmarc.code == dmarc::Code::pass) return accept("dmarc", "dmarc=pass");
  if (dmarc_temperror_matters(facts.dmarc)) {
    switch (effective.temperror) {
      case OnTemperror::accept:
        return std::nullopt;
      case OnTemperror::tempfail:
        return defer(facts, effective, "4.7.1", "dmarc",
                     "DMARC of " + facts.dmarc.from + " cannot be evaluated now");
    }
  }
  if (facts.dmarc.code != dmarc::Code::fail) return std::nullopt;
  switch (facts.dmarc.requested) {
    case dmarc::Policy::none:
      return std::nullopt;
    case dmarc::Policy::quarantine:
      return on_requested_quarantine(facts, effective.quarantine);
    case dmarc::Policy::reject:
      return on_requested_reject(facts, effective.reject);
  }
  return std::nullopt;
}

std::optional<Decision> by_spf(const Facts& facts, const Rules& rules) {
  const auto& result = facts.spf_mail_from;
  if (result.code == spf::Code::temperror) {
    switch (rules.spf.temperror) {
      case OnTemperror::accept:
        return std::nullopt;
      // RFC 7208 §8.6, RFC 7372 §3.2.
      case OnTemperror::tempfail:
        return defer(facts, rules.dmarc, "4.7.24", "spf",
                     "SPF of " + result.domain + " cannot be evaluated now");
    }
  }
  if (result.code != spf::Code::fail) return std::nullopt;
  const std::string reason = "SPF fail for " + result.domain;
  switch (rules.spf.fail) {
    case OnSpfFail::tag:
      return make(Action::tag, "spf", reason);
    case OnSpfFail::quarantine:
      return make(Action::quarantine, "spf", reason);
    case OnSpfFail::reject: {
      std::string text = "SPF fail: " + result.domain + " does not permit this client";
      // RFC 7208 §6.2: say that the explanation is the sender's.
      if (!result.explanation.empty()) {
        text += "; " + result.domain + " explained: " + result.explanation;
      }
      return refuse(SmtpReply(550, "5.7.23", with_id(std::move(text), facts)), "spf", reason);
    }
  }
  return std::nullopt;
}

// Monitor mode: decided and recorded as if it held, then not applied.
Decision monitored(Decision decision, bool monitor) {
  if (!monitor || decision.action == Action::accept) return decision;
  decision.monitored = decision.action;
  decision.action = Action::accept;
  return decision;
}

// Nobody is there who could take a refusal, and what was released must not be held again.
Decision as_local(Decision decision) {
  if (decision.action == Action::accept || decision.action == Action::tag) return decision;
  decision.evidence.emplace_back("role-local:" + std::string(to_string(decision.action)));
  decision.action = Action::tag;
  decision.reply.reset();
  return decision;
}

Decision judged(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule) {
  if (facts.header_over_limits) {
    return monitored(refuse(SmtpReply(552, "5.3.4", with_id("header too large", facts)), "limits",
                            "the header is over the limits"),
                     rules.monitor);
  }
  // A rule in monitor mode has spoken into the record only, so the next one is asked; the first
  // that would have acted is what the record shows.
  std::optional<Decision> shadow;
  const auto speak = [&](std::optional<Decision> decision,
                         bool monitor) -> std::optional<Decision> {
    if (!decision) return std::nullopt;
    auto result = monitored(std::move(*decision), rules.monitor || monitor);
    if (!result.monitored || rules.monitor) return result;
    if (!shadow) shadow = std::move(result);
    return std::nullopt;
  };
  if (auto decision = speak(malformed_author(facts, rules.author), rules.author.monitor)) {
    return *decision;
  }
  if (facts.author.well_formed()) {
    if (auto decision = speak(by_dmarc(facts, rules.dmarc, override_rule), rules.dmarc.monitor)) {
      return *decision;
    }
  }
  const bool dmarc_passed = facts.dmarc.code == dmarc::Code::pass;
  if (!dmarc_passed) {
    if (auto decision = speak(by_spf(facts, rules), rules.spf.monitor)) return *decision;
  }
  return shadow ? *shadow : accept("default");
}

Action hardest(const std::vector<RecipientDecision>& recipients) {
  return std::max_element(
             recipients.begin(), recipients.end(),
             [](const auto& a, const auto& b) { return a.decision.action < b.decision.action; })
      ->decision.action;
}

// One message has one answer. Refusals that not all recipients share are turned into what can be
// done for one of them: a reject into quarantine, a deferral into delivery with a tag.
void bring_together(std::vector<RecipientDecision>& recipients) {
  const auto first = recipients.front().decision.action;
  const bool unanimous = std::all_of(recipients.begin(), recipients.end(),
                                     [&](const auto& r) { return r.decision.action == first; });
  if (unanimous) return;
  for (auto& [to, decision] : recipients) {
    if (decision.action != Action::reject && decision.action != Action::tempfail) continue;
    decision.evidence.emplace_back("recipients-differ:" + std::string(to_string(decision.action)));
    decision.action = decision.action == Action::reject ? Action::quarantine : Action::tag;
    decision.reply.reset();
  }
}

}  // namespace

Decision decide_for(const Facts& facts, const Rules& rules, const DmarcOverride* override_rule) {
  if (facts.exemption != Exemption::none) {
    return accept("exempt", std::string(to_string(facts.exemption)) + " client, not evaluated");
  }
  auto decision = judged(facts, rules, override_rule);
  return facts.role == Role::local ? as_local(std::move(decision)) : decision;
}

Verdict decide(const Facts& facts, const RuleSet& rules) {
  const DmarcOverride* override_rule =
      facts.author.well_formed() ? rules.override_for(facts.author.domain()) : nullptr;
  Verdict verdict;
  for (const auto& to : facts.recipients) {
    verdict.recipients.push_back({to, decide_for(facts, rules.for_recipient(to), override_rule)});
  }
  if (verdict.recipients.empty()) {
    verdict.message = decide_for(facts, rules.defaults, override_rule);
    return verdict;
  }
  bring_together(verdict.recipients);
  const Action action = hardest(verdict.recipients);
  verdict.message =
      std::find_if(verdict.recipients.begin(), verdict.recipients.end(), [&](const auto& r) {
        return r.decision.action == action;
      })->decision;
  return verdict;
}

}  // namespace sekisho::policy
