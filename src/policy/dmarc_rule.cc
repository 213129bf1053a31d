// RFC 9989 §5.3.6, §7.4.
#include "policy/dmarc_rule.h"

#include <algorithm>

#include "policy/dns_list_rule.h"
#include "policy/rule.h"

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

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

// The evidence against the message besides p=reject itself (RFC 9989 §7.4). `suffices` is set if it
// is enough.
std::vector<std::string> evidence_against(const Facts& facts, const DnsListRules& lists,
                                          client::DnsKindSet skipped, bool& suffices) {
  std::vector<std::string> evidence = list_evidence(facts, lists, skipped);
  suffices = !evidence.empty();
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
      rule_name::dmarc, std::move(reason));
}

// A milder disposition than the owner requested is reported in the aggregate report (RFC 9990).
Decision milder(Action action, std::string reason, std::string comment) {
  auto decision = make(action, rule_name::dmarc, std::move(reason));
  decision.overrides.emplace_back("local_policy", std::move(comment));
  return decision;
}

Decision on_requested_reject(const Facts& facts, OnDmarcReject mode, const DnsListRules& lists,
                             client::DnsKindSet skipped) {
  bool suffices = false;
  auto evidence = evidence_against(facts, lists, skipped, suffices);
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
      return make(Action::quarantine, rule_name::dmarc, "p=quarantine");
    case OnDmarcQuarantine::tag:
      return milder(Action::tag, "p=quarantine, tagged here", "quarantine=tag");
    case OnDmarcQuarantine::reject: {
      auto decision = dmarc_reject(facts, "p=quarantine, rejected here");
      decision.overrides.emplace_back("local_policy", "quarantine=reject");
      return decision;
    }
  }
  return accept(rule_name::dmarc);
}

// No answer of the DNS could have made it fail.
bool would_pass(const dmarc::Result& dmarc) {
  return dmarc.code == dmarc::Code::temperror && (dmarc.aligned_spf || dmarc.aligned_dkim);
}

// The policy could not be read, or it could have changed the result.
bool dmarc_temperror_matters(const dmarc::Result& dmarc) {
  if (dmarc.code != dmarc::Code::temperror || would_pass(dmarc)) return false;
  if (dmarc.could_ask) return *dmarc.could_ask != dmarc::Policy::none;
  // For records from before that member.
  return !dmarc.published || dmarc.policy != dmarc::Policy::none;
}

// The action after a deferral if the DNS never answers. The sender chooses which names fail (its
// MAIL FROM, a d=, a name below the author's), so a failure must not deliver a forgery: the known
// policy applies, but the message is held instead of rejected. Without a known policy there is no
// basis for that.
Action end_of_deferral(const dmarc::Result& dmarc, const DmarcRule& rule) {
  switch (dmarc.asks_anyway.value_or(dmarc::Policy::none)) {
    case dmarc::Policy::none:
      return Action::tag;
    case dmarc::Policy::quarantine:
      return rule.quarantine == OnDmarcQuarantine::tag ? Action::tag : Action::quarantine;
    case dmarc::Policy::reject:
      return rule.reject == OnDmarcReject::tag ? Action::tag : Action::quarantine;
  }
  return Action::tag;
}

Decision defer_dmarc(const Facts& facts, const DmarcRule& rule) {
  const std::string reason = "DMARC of " + facts.dmarc.from + " cannot be evaluated now";
  return defer(facts, rule, SmtpReply(451, "4.7.1", cannot_be_known(reason, facts)),
               rule_name::dmarc, reason, end_of_deferral(facts.dmarc, rule));
}

std::optional<Decision> by_dmarc(const Facts& facts, const Rules& rules,
                                 const DmarcOverride* override_rule, client::DnsKindSet skipped) {
  const DmarcRule& rule = rules.dmarc;
  DmarcRule effective = rule;
  if (override_rule != nullptr) {
    effective.reject = override_rule->reject.value_or(rule.reject);
    effective.quarantine = override_rule->quarantine.value_or(rule.quarantine);
    effective.temperror = override_rule->temperror.value_or(rule.temperror);
  }
  if (facts.dmarc.code == dmarc::Code::pass) return accept(rule_name::dmarc, "dmarc=pass");
  if (would_pass(facts.dmarc)) {
    return accept(rule_name::dmarc,
                  "dmarc=temperror, and whatever the DNS had said it would have passed");
  }
  if (dmarc_temperror_matters(facts.dmarc)) {
    switch (effective.temperror) {
      case OnTemperror::accept:
        return std::nullopt;
      case OnTemperror::tempfail:
        return defer_dmarc(facts, effective);
    }
  }
  if (facts.dmarc.code != dmarc::Code::fail) return std::nullopt;
  switch (facts.dmarc.requested) {
    case dmarc::Policy::none:
      return std::nullopt;
    case dmarc::Policy::quarantine:
      return on_requested_quarantine(facts, effective.quarantine);
    case dmarc::Policy::reject:
      return on_requested_reject(facts, effective.reject, rules.lists, skipped);
  }
  return std::nullopt;
}

std::string named(const AccessMatch& match) { return match.entry + " (" + match.place + ")"; }

// The entry that limits DMARC.
const AccessMatch* giver_of(const Facts& facts, Action limit) {
  for (const auto& match : facts.allowlist) {
    if (match.holds && match.effect.dmarc == limit) return &match;
  }
  return nullptr;
}

bool came_over_a_list(const Traces& traces) {
  return std::any_of(traces.fields.begin(), traces.fields.end(),
                     [](const std::string& field) { return field.starts_with("List-"); });
}

// RFC 9990, the types of PolicyOverride: a list or forwarder was expected to break the author's
// authentication; an entry for the author itself is local policy.
std::string override_type(const AccessMatch& match, const Traces& traces) {
  if (match.kind == IdentityKind::from) return "local_policy";
  return came_over_a_list(traces) ? "mailing_list" : "trusted_forwarder";
}

Eased ease_dmarc(std::optional<Decision> decision, const Facts& facts) {
  const auto limit = effect_of(facts.allowlist).dmarc;
  if (!limit || !decision || decision->action <= *limit) return {std::move(decision), {}, {}};
  // DMARC may still pass when the DNS answers: for a limit of quarantine the message is deferred
  // first, for milder ones it is not.
  if (decision->action == Action::tempfail && *limit == Action::quarantine) {
    return {std::move(decision), {}, {}};
  }
  const AccessMatch* giver = giver_of(facts, *limit);
  Eased eased;
  eased.reason = "dmarc=" + std::string(to_string(*limit)) + " by " + named(*giver);
  if (facts.dmarc.code == dmarc::Code::fail) {
    eased.overrides.emplace_back(override_type(*giver, facts.traces), giver->entry);
  }
  if (*limit == Action::accept) return eased;
  decision->action = *limit;
  decision->reply.reset();
  decision->reason += "; " + eased.reason;
  decision->overrides = eased.overrides;
  eased.overrides.clear();
  eased.decision = std::move(decision);
  return eased;
}

}  // namespace

// Without one Author Domain there is no policy.
Eased eased_dmarc(const Case& asked) {
  if (!asked.facts.author.well_formed()) return {};
  return ease_dmarc(
      by_dmarc(asked.facts, asked.rules, asked.override_rule, asked.allowed.skip_lists),
      asked.facts);
}

namespace {

std::string silence_of_dmarc(const Case& asked) {
  if (!asked.facts.author.well_formed()) return "without one author domain there is no policy";
  if (auto eased = eased_dmarc(asked); !eased.reason.empty()) return std::move(eased.reason);
  const auto& dmarc = asked.facts.dmarc;
  switch (dmarc.code) {
    case dmarc::Code::pass:
      break;
    case dmarc::Code::none:
      return "dmarc=none: no policy is published for " + dmarc.from;
    case dmarc::Code::fail:
      return "dmarc=fail, and the owner of " + dmarc.from + " asks for nothing (" +
             (dmarc.published && dmarc.published->testing ? "t=y" : dmarc.tag + "=none") + ")";
    case dmarc::Code::temperror:
      return dmarc_temperror_matters(dmarc) ? "dmarc=temperror, which is accepted here"
                                            : "dmarc=temperror, of a policy that asks for nothing";
    case dmarc::Code::permerror:
      return "dmarc=permerror: the published policy cannot be read";
  }
  return "dmarc=pass";
}

std::string key_of_dmarc(const Case& asked, const Decision& /*decision*/) {
  const auto& dmarc = asked.facts.dmarc;
  if (dmarc.code == dmarc::Code::temperror) return "dmarc.temperror";
  if (dmarc.code != dmarc::Code::fail) return {};
  switch (dmarc.requested) {
    case dmarc::Policy::none:
      return {};
    case dmarc::Policy::quarantine:
      return "dmarc.quarantine";
    case dmarc::Policy::reject:
      return "dmarc.reject";
  }
  return {};
}

}  // namespace

const Rule dmarc_rule = {.name = rule_name::dmarc,
                         .ask = [](const Case& asked) { return eased_dmarc(asked).decision; },
                         .silence = silence_of_dmarc,
                         .key = key_of_dmarc,
                         .monitor = [](const Rules& rules) { return rules.dmarc.monitor; },
                         .monitor_key = "dmarc.monitor"};

}  // namespace sekisho::policy
