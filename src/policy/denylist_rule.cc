#include "policy/denylist_rule.h"

#include "policy/rule.h"

namespace sekisho::policy {

std::optional<Decision> by_denylist(const Facts& facts, const std::vector<AccessMatch>& denials) {
  const AccessMatch* hardest = nullptr;
  for (const auto& match : denials) {
    if (hardest == nullptr || match.deny > hardest->deny) hardest = &match;
  }
  if (hardest == nullptr) return std::nullopt;
  std::string reason = "denied: " + hardest->entry + " (" + hardest->place + ")";
  const Action action = hardest->deny.value_or(Action::reject);
  if (action != Action::reject) {
    return make(action, rule_name::denylist, std::move(reason));
  }
  // The reply does not name the entry: a denied sender would only try the next name.
  return refuse(mail::SmtpReply(550, "5.7.1", with_id("rejected by local policy", facts)),
                rule_name::denylist, std::move(reason));
}

std::optional<Decision> deny_at_rcpt(const Facts& facts, const std::vector<AccessMatch>& denials,
                                     const Rules& rules) {
  if (facts.exemption != Exemption::none || facts.role == Role::local || rules.monitor) {
    return std::nullopt;
  }
  auto decision = by_denylist(facts, denials);
  if (decision && decision->action != Action::reject) return std::nullopt;
  return decision;
}

namespace {

std::string silence_of_denylist(const Case& /*asked*/) {
  return "no entry of the denylist names it";
}

std::string silence_at_rcpt(const Case& asked) {
  return asked.facts.denylist.empty() ? silence_of_denylist(asked)
                                      : "no entry that rejects names it";
}

}  // namespace

const Rule denylist_rule = {
    .name = rule_name::denylist,
    .ask = [](const Case& asked) { return by_denylist(asked.facts, asked.facts.denylist); },
    .silence = silence_of_denylist,
    .key = [](const Case&, const Decision&) { return std::string("denylist.files"); },
    .at_rcpt =
        [](const Case& asked) {
          return deny_at_rcpt(asked.facts, asked.facts.denylist, asked.rules);
        },
    .silence_at_rcpt = silence_at_rcpt};

}  // namespace sekisho::policy
