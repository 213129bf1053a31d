#include "session/own_fields.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "session/ports.h"

namespace sekisho::session {

namespace {

using Claim = ForgedFields::Claim;

// At most this many of each kind are checked. We write one; more would only cost time.
constexpr std::size_t looked_at = 4;

bool is(const Claim& claim, std::string_view name) {
  return ascii::iequals(claim.removal.name, name);
}

std::vector<std::size_t> claims_of(const std::vector<Claim>& claims, std::string_view name) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < claims.size() && out.size() < looked_at; ++i) {
    if (is(claims[i], name) && !claims[i].of_alias) out.push_back(i);
  }
  return out;
}

// "quarantine; rule=dmarc": it makes nothing look better.
bool looks_worse(const Claim& claim) {
  if (!is(claim, disposition_field)) return false;
  const auto value = ascii::trim(claim.value);
  const auto word = value.substr(0, value.find(';'));
  return ascii::iequals(word, "tag") || ascii::iequals(word, "quarantine");
}

struct Proven {
  std::size_t seal;
  std::optional<std::size_t> results;
  std::optional<std::size_t> disposition;
};

// The first seal that proves something, with what it proves.
std::optional<Proven> find_proven(const std::vector<Claim>& claims, const mail::Header& header,
                                  const Seal& seal, WallTime now) {
  const auto with_none = [&](std::string_view name) {
    std::vector<std::optional<std::size_t>> out;
    for (const auto i : claims_of(claims, name)) out.emplace_back(i);
    out.emplace_back(std::nullopt);
    return out;
  };
  const auto value = [&](const std::optional<std::size_t>& i) {
    return i ? std::string_view(claims[*i].value) : std::string_view();
  };
  const auto all_results = with_none("Authentication-Results");
  const auto all_dispositions = with_none(disposition_field);
  for (const auto sealed : claims_of(claims, seal_field)) {
    for (const auto& results : all_results) {
      for (const auto& disposition : all_dispositions) {
        if (seal.proves(claims[sealed].value, header, {value(results), value(disposition)}, now))
          return Proven{sealed, results, disposition};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

FieldsToKeep fields_to_keep(const std::vector<Claim>& claims, const mail::Header& header,
                            const Seal* seal, WallTime now) {
  FieldsToKeep out{std::vector<bool>(claims.size(), false)};
  bool spoke = false;  // a field claims to be ours
  for (std::size_t i = 0; i < claims.size(); ++i) {
    out.keep[i] = looks_worse(claims[i]);
    spoke = spoke || (!claims[i].of_alias && !is(claims[i], release_field));
  }
  if (!spoke) return out;
  out.own = policy::OwnFields::removed;
  const auto proven = seal == nullptr ? std::nullopt : find_proven(claims, header, *seal, now);
  if (!proven) return out;
  out.own = policy::OwnFields::kept;
  out.keep[proven->seal] = true;
  if (proven->results) out.keep[*proven->results] = true;
  if (proven->disposition) out.keep[*proven->disposition] = true;
  return out;
}

}  // namespace sekisho::session
