#include "policy/access_match.h"

#include <algorithm>

namespace sekisho::policy {

namespace {

// The milder of two permissions; none permits nothing.
std::optional<Action> milder(std::optional<Action> a, std::optional<Action> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace

AccessEffect effect_of(const std::vector<AccessMatch>& matches) {
  AccessEffect all;
  for (const auto& match : matches) {
    if (!match.holds) continue;
    all.skip_dnsbl |= match.effect.skip_dnsbl;
    all.skip_rhsbl |= match.effect.skip_rhsbl;
    all.skip_author |= match.effect.skip_author;
    all.dmarc = milder(all.dmarc, match.effect.dmarc);
    all.spf = milder(all.spf, match.effect.spf);
  }
  return all;
}

std::string_view standing(const AccessMatch& match) {
  if (match.proven) return match.holds ? "proven" : "own-domain";
  return match.holds && !match.deny ? "proof=none" : "unproven";
}

std::string proof_text(Proof proof, std::string_view proof_of) {
  // A connection is an address, and so it is written.
  std::string text(proof == Proof::connection && !proof_of.empty() ? "ip" : to_string(proof));
  if (!proof_of.empty()) text.append(":").append(proof_of);
  return text;
}

std::string to_text(const AccessEffect& effect) {
  std::string skip;
  const auto add = [&skip](bool skips, std::string_view name) {
    if (skips) skip.append(skip.empty() ? "skip=" : ",").append(name);
  };
  add(effect.skip_dnsbl, "dnsbl");
  add(effect.skip_rhsbl, "rhsbl");
  add(effect.skip_author, "author");
  const auto limit = [&skip](std::string_view rule, std::optional<Action> action) {
    if (!action) return;
    skip.append(skip.empty() ? "" : " ").append(rule).append("=").append(to_string(*action));
  };
  limit("dmarc", effect.dmarc);
  limit("spf", effect.spf);
  return skip;
}

}  // namespace sekisho::policy
