#include "session/edits.h"

#include <algorithm>

#include "authres/authentication_results.h"

namespace sekisho::session {

namespace {

constexpr std::string_view results_field = "Authentication-Results";

}  // namespace

bool ForgedFields::claims_to_be_ours(const mail::HeaderField& field) const {
  if (!field.is(results_field)) return true;
  return authres::could_be_from(field.value, authserv_id_) ||
         std::any_of(aliases_.begin(), aliases_.end(), [&](const std::string& alias) {
           return authres::could_be_from(field.value, alias);
         });
}

void ForgedFields::see(const mail::HeaderField& field) {
  if (!field.is(results_field) && !field.is(disposition_field) && !field.is(release_field)) return;
  std::string name(field.trimmed_name());
  const std::size_t index = ++seen_[name];
  if (!claims_to_be_ours(field)) return;
  found_.push_back({policy::Edit::Kind::remove, std::move(name), "", index});
}

std::vector<policy::Edit> ForgedFields::removals() const {
  return {found_.rbegin(), found_.rend()};
}

std::vector<policy::Edit> insertions(const policy::Facts& facts, const policy::Decision& decision,
                                     const std::string& authentication_results) {
  std::vector<policy::Edit> edits;
  const bool released = facts.exemption == policy::Exemption::released;
  if (facts.exemption != policy::Exemption::none && !released) return edits;
  if (decision.action == policy::Action::tag || decision.action == policy::Action::quarantine) {
    edits.push_back({policy::Edit::Kind::insert, std::string(disposition_field),
                     " " + std::string(to_string(decision.action)) + "; rule=" + decision.rule, 0});
  }
  // Inserted last, so that it is the topmost field.
  if (!authentication_results.empty()) {
    edits.push_back(
        {policy::Edit::Kind::insert, std::string(results_field), authentication_results, 0});
  }
  return edits;
}

}  // namespace sekisho::session
