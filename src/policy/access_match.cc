#include "policy/access_match.h"

#include <algorithm>

#include "policy/rule_names.h"

namespace sekisho::policy {

namespace {

// The milder of two permissions; nullopt permits nothing.
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
    all.skip_lists |= match.effect.skip_lists;
    all.skip_author |= match.effect.skip_author;
    all.skip_smtp |= match.effect.skip_smtp;
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
  // A connection is written as its address.
  std::string text(proof == Proof::connection && !proof_of.empty() ? "ip" : to_string(proof));
  if (!proof_of.empty()) text.append(":").append(proof_of);
  return text;
}

std::string to_text(const AccessEffect& effect) {
  std::string text = joined_words(effect.skip_lists);
  if (effect.skip_author) text.append(text.empty() ? "" : ",").append(rule_name::author);
  if (effect.skip_smtp) text.append(text.empty() ? "" : ",").append("smtp");
  if (!text.empty()) text.insert(0, "skip=");
  const auto limit = [&text](std::string_view rule, std::optional<Action> action) {
    if (!action) return;
    text.append(text.empty() ? "" : " ").append(rule).append("=").append(to_string(*action));
  };
  limit(rule_name::dmarc, effect.dmarc);
  limit(rule_name::spf, effect.spf);
  return text;
}

}  // namespace sekisho::policy
