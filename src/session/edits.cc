#include "session/edits.h"

#include <algorithm>

#include "authres/authentication_results.h"
#include "session/seal.h"

namespace sekisho::session {

namespace {

constexpr std::string_view results_field = "Authentication-Results";

}  // namespace

bool ForgedFields::claims_alias(const mail::HeaderField& field) const {
  return std::any_of(aliases_.begin(), aliases_.end(), [&](const std::string& alias) {
    return authres::could_be_from(field.value, alias);
  });
}

void ForgedFields::see(const mail::HeaderField& field) {
  const bool results = field.is(results_field);
  if (!results && !field.is(disposition_field) && !field.is(release_field) && !field.is(seal_field))
    return;
  std::string name(field.trimmed_name());
  const std::size_t index = ++seen_[name];
  const bool own = !results || authres::could_be_from(field.value, authserv_id_);
  if (!own && !claims_alias(field)) return;
  Claim claim{{policy::Edit::Kind::remove, std::move(name), "", index}, "", !own};
  if (keeps_values_ && found_.size() < values_kept) claim.value = field.value;
  found_.push_back(std::move(claim));
}

std::vector<policy::Edit> ForgedFields::removals() const {
  return removals_but(std::vector<bool>(found_.size(), false));
}

std::vector<policy::Edit> ForgedFields::removals_but(const std::vector<bool>& stay) const {
  std::vector<policy::Edit> edits;
  for (std::size_t i = found_.size(); i > 0; --i) {
    if (!stay[i - 1]) edits.push_back(found_[i - 1].removal);
  }
  return edits;
}

std::vector<policy::Edit> insertions(const policy::Facts& facts, const policy::Decision& decision,
                                     const std::string& authentication_results,
                                     const WriteSeal& seal) {
  std::vector<policy::Edit> edits;
  const bool released = facts.exemption == policy::Exemption::released;
  if (facts.exemption != policy::Exemption::none && !released) return edits;
  std::string disposition;
  if (decision.action == policy::Action::tag || decision.action == policy::Action::quarantine) {
    disposition = " " + std::string(to_string(decision.action)) + "; rule=" + decision.rule;
    edits.push_back({policy::Edit::Kind::insert, std::string(disposition_field), disposition, 0});
  }
  if (seal) {
    if (auto value = seal(disposition); !value.empty())
      edits.push_back({policy::Edit::Kind::insert, std::string(seal_field), std::move(value), 0});
  }
  // Inserted last, so that it is the topmost field.
  if (!authentication_results.empty()) {
    edits.push_back(
        {policy::Edit::Kind::insert, std::string(results_field), authentication_results, 0});
  }
  return edits;
}

}  // namespace sekisho::session
