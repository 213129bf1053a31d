#include <algorithm>

#include "policy/rule.h"

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

std::string named(const AccessMatch& match) { return match.entry + " (" + match.place + ")"; }

// The entry whose permission DMARC has.
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
// authentication; an author who is let through for his own sake is local policy.
std::string override_type(const AccessMatch& match, const Traces& traces) {
  if (match.kind == IdentityKind::from) return "local_policy";
  return came_over_a_list(traces) ? "mailing_list" : "trusted_forwarder";
}

}  // namespace

std::optional<Decision> by_denylist(const Facts& facts, const std::vector<AccessMatch>& denials) {
  const AccessMatch* hardest = nullptr;
  for (const auto& match : denials) {
    if (hardest == nullptr || match.deny > hardest->deny) hardest = &match;
  }
  if (hardest == nullptr) return std::nullopt;
  std::string reason = "denied: " + named(*hardest);
  const Action action = hardest->deny.value_or(Action::reject);
  if (action != Action::reject) {
    return make(action, "denylist", std::move(reason));
  }
  // Not which entry it was: whoever is denied would only try the next name.
  return refuse(SmtpReply(550, "5.7.1", with_id("rejected by local policy", facts)), "denylist",
                std::move(reason));
}

Eased ease_dmarc(std::optional<Decision> decision, const Facts& facts) {
  const auto limit = effect_of(facts.allowlist).dmarc;
  if (!limit || !decision || decision->action <= *limit) return {std::move(decision), {}, {}};
  // A policy that cannot be read now may turn out to be kept: quarantine can wait for that, and the
  // milder ones need not.
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

}  // namespace sekisho::policy
