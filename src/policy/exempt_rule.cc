#include "policy/rule.h"

namespace sekisho::policy {

namespace {

std::optional<Decision> exempt(const Case& asked) {
  if (asked.facts.exemption == Exemption::none) return std::nullopt;
  if (asked.facts.exemption == Exemption::released) {
    const auto& id = asked.facts.released_id;
    return accept(
        rule_name::exempt,
        "a released message, " + (id.empty() ? id : "held as " + id + ", ") + "not evaluated");
  }
  return accept(rule_name::exempt,
                std::string(to_string(asked.facts.exemption)) + " client, not evaluated");
}

std::string key_of_exempt(const Case& asked, const Decision& /*decision*/) {
  switch (asked.facts.exemption) {
    case Exemption::none:
    case Exemption::unix_socket:
    case Exemption::released:
      return {};
    case Exemption::authenticated:
      return "trust.authenticated";
    case Exemption::trusted_network:
      return "trust.networks";
  }
  return {};
}

}  // namespace

const Rule exempt_rule = {
    .name = rule_name::exempt,
    .ask = exempt,
    .silence = [](const Case&) { return std::string("the client is one that is evaluated"); },
    .key = key_of_exempt,
    .at_rcpt = [](const Case&) { return std::optional<Decision>(); }};

}  // namespace sekisho::policy
