#include "policy/rule.h"

namespace sekisho::policy {

namespace {

std::optional<Decision> over_limits(const Case& asked) {
  if (!asked.facts.header_over_limits) return std::nullopt;
  return refuse(mail::SmtpReply(552, "5.3.4", with_id("header too large", asked.facts)),
                rule_name::limits, "the header is over the limits");
}

}  // namespace

const Rule limits_rule = {
    .name = rule_name::limits,
    .ask = over_limits,
    .silence = [](const Case&) { return std::string("the header is within the limits"); },
    .key = [](const Case&, const Decision&) { return std::string(); }};

}  // namespace sekisho::policy
