#include <array>

#include "policy/rule.h"

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

std::optional<Decision> exempt(const Case& asked) {
  if (asked.facts.exemption == Exemption::none) return std::nullopt;
  return accept("exempt", std::string(to_string(asked.facts.exemption)) + " client, not evaluated");
}

std::string_view key_of_exempt(const Case& asked) {
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

std::optional<Decision> over_limits(const Case& asked) {
  if (!asked.facts.header_over_limits) return std::nullopt;
  return refuse(SmtpReply(552, "5.3.4", with_id("header too large", asked.facts)), "limits",
                "the header is over the limits");
}

std::string silence_of_limits(const Case& /*asked*/) { return "the header is within the limits"; }

// The rule of DMARC has nothing to go by without one Author Domain.
std::optional<Decision> dmarc_of_author(const Case& asked) {
  if (!asked.facts.author.well_formed()) return std::nullopt;
  return by_dmarc(asked.facts, asked.rules.dmarc, asked.override_rule);
}

constexpr std::array rules = {
    Rule{.name = "exempt",
         .ask = exempt,
         .silence = [](const Case&) { return std::string("the client is one that is evaluated"); },
         .key = key_of_exempt},
    Rule{.name = "limits",
         .ask = over_limits,
         .silence = silence_of_limits,
         .key = [](const Case&) { return std::string_view(); }},
    Rule{.name = "author",
         .ask = [](const Case& c) { return malformed_author(c.facts, c.rules.author); },
         .silence = silence_of_author,
         .key = [](const Case&) { return std::string_view("dmarc.author"); },
         .monitor = [](const Rules& r) { return r.author.monitor; },
         .monitor_key = "dmarc.author_monitor"},
    Rule{.name = "dmarc",
         .ask = dmarc_of_author,
         .silence = silence_of_dmarc,
         .key = key_of_dmarc,
         .monitor = [](const Rules& r) { return r.dmarc.monitor; },
         .monitor_key = "dmarc.monitor"},
    Rule{.name = "spf",
         .ask = [](const Case& c) { return by_spf(c.facts, c.rules); },
         .silence = silence_of_spf,
         .key = key_of_spf,
         .monitor = [](const Rules& r) { return r.spf.monitor; },
         .monitor_key = "spf.monitor"},
};

}  // namespace

std::span<const Rule> chain() { return rules; }

}  // namespace sekisho::policy
