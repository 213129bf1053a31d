#include <array>

#include "policy/rule.h"

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

std::optional<Decision> exempt(const Case& asked) {
  if (asked.facts.exemption == Exemption::none) return std::nullopt;
  if (asked.facts.exemption == Exemption::released) {
    const auto& id = asked.facts.released_id;
    return accept("exempt", "a released message, " + (id.empty() ? id : "held as " + id + ", ") +
                                "not evaluated");
  }
  return accept("exempt", std::string(to_string(asked.facts.exemption)) + " client, not evaluated");
}

std::string key_of_exempt(const Case& asked) {
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

// Where malformed authors are only tagged, that must not save one who is denied, nor, where
// everybody reads one domain, one whom the policy of that domain does not let through.
std::optional<Decision> author(const Case& asked) {
  if (asked.allowed.skip_author) return std::nullopt;
  auto malformed = malformed_author(asked.facts, asked.rules);
  const auto denied = by_denylist(asked.facts, asked.facts.denylist);
  if (malformed && denied && denied->action > malformed->action) return std::nullopt;
  if (malformed && asked.facts.author.readable()) {
    const auto dmarc = eased_dmarc(asked).decision;
    if (dmarc && dmarc->action > malformed->action) return std::nullopt;
  }
  return malformed;
}

std::string silence_of_skipped_author(const Case& asked) {
  const auto& author = asked.facts.author;
  if (author.well_formed() && !malformed_author(asked.facts, asked.rules)) {
    return silence_of_author(asked);
  }
  return asked.allowed.skip_author ? "an entry of the allowlist skips this rule"
                                   : "the denylist or DMARC demands more";
}

DnsListKinds skipped_lists(const Case& asked) {
  return {asked.allowed.skip_dnsbl, asked.allowed.skip_rhsbl};
}

// What a list defers ends as every deferral does, and is held then: it is still listed.
std::optional<Decision> lists(const Case& asked) {
  auto decision = by_lists(asked.facts, asked.rules.lists, skipped_lists(asked));
  if (!decision || decision->action != Action::tempfail) return decision;
  auto ended = defer(asked.facts, asked.rules.dmarc, *decision->reply, decision->rule,
                     decision->reason, Action::quarantine);
  ended.evidence = std::move(decision->evidence);
  return ended;
}

std::optional<Decision> spf(const Case& asked) {
  if (asked.allowed.spf) return std::nullopt;
  return by_spf(asked.facts, asked.rules);
}

std::string silence_of_skipped_spf(const Case& asked) {
  if (asked.allowed.spf) return "an entry of the allowlist skips this rule";
  return silence_of_spf(asked);
}

std::string silence_of_eased_dmarc(const Case& asked) {
  const auto eased = eased_dmarc(asked);
  return eased.reason.empty() ? silence_of_dmarc(asked) : eased.reason;
}

constexpr std::array rules = {
    Rule{.name = "exempt",
         .ask = exempt,
         .silence = [](const Case&) { return std::string("the client is one that is evaluated"); },
         .key = key_of_exempt},
    Rule{.name = "limits",
         .ask = over_limits,
         .silence = silence_of_limits,
         .key = [](const Case&) { return std::string(); }},
    Rule{.name = "author",
         .ask = author,
         .silence = silence_of_skipped_author,
         .key = key_of_author,
         .monitor = [](const Rules& r) { return r.author.monitor; },
         .monitor_key = "dmarc.author_monitor"},
    Rule{.name = "denylist",
         .ask = [](const Case& c) { return by_denylist(c.facts, c.facts.denylist); },
         .silence = [](const Case&) { return std::string("no entry of the denylist names it"); },
         .key = [](const Case&) { return std::string("denylist.files"); }},
    Rule{.name = "lists", .ask = lists, .silence = silence_of_lists, .key = key_of_lists},
    Rule{.name = "dmarc",
         .ask = [](const Case& c) { return eased_dmarc(c).decision; },
         .silence = silence_of_eased_dmarc,
         .key = key_of_dmarc,
         .monitor = [](const Rules& r) { return r.dmarc.monitor; },
         .monitor_key = "dmarc.monitor"},
    Rule{.name = "spf",
         .ask = spf,
         .silence = silence_of_skipped_spf,
         .key = key_of_spf,
         .monitor = [](const Rules& r) { return r.spf.monitor; },
         .monitor_key = "spf.monitor"},
};

}  // namespace

std::span<const Rule> chain() { return rules; }

// The rule of DMARC has nothing to go by without one Author Domain.
Eased eased_dmarc(const Case& asked) {
  if (!asked.facts.author.well_formed()) return {};
  return ease_dmarc(by_dmarc(asked.facts, asked.rules, asked.override_rule, skipped_lists(asked)),
                    asked.facts);
}

}  // namespace sekisho::policy
