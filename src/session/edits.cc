#include "session/edits.h"

#include <algorithm>
#include <map>

#include "authres/authentication_results.h"
#include "base/ascii.h"

namespace sekisho::session {

namespace {

constexpr std::string_view results_field = "Authentication-Results";

bool claims_to_be_ours(const mail::HeaderField& field, const std::string& authserv_id,
                       const std::vector<std::string>& aliases) {
  if (field.is(disposition_field)) return true;
  if (!field.is(results_field)) return false;
  return authres::could_be_from(field.value, authserv_id) ||
         std::any_of(aliases.begin(), aliases.end(), [&](const std::string& alias) {
           return authres::could_be_from(field.value, alias);
         });
}

}  // namespace

std::vector<policy::Edit> removals(const mail::Header& header, const std::string& authserv_id,
                                   const std::vector<std::string>& aliases) {
  std::vector<policy::Edit> edits;
  std::map<std::string_view, std::size_t, ascii::CaseInsensitiveLess> seen;
  for (const auto& field : header.fields()) {
    if (!field.is(results_field) && !field.is(disposition_field)) continue;
    const std::size_t index = ++seen[field.trimmed_name()];
    if (!claims_to_be_ours(field, authserv_id, aliases)) continue;
    edits.push_back({policy::Edit::Kind::remove, std::string(field.trimmed_name()), "", index});
  }
  // An MTA renumbers the fields behind a removed one: forged fields survived in OpenDKIM that way
  // (CVE-2022-48521).
  std::reverse(edits.begin(), edits.end());
  return edits;
}

std::vector<policy::Edit> insertions(const policy::Facts& facts, const policy::Decision& decision,
                                     const std::string& authentication_results) {
  std::vector<policy::Edit> edits;
  if (facts.exemption != policy::Exemption::none) return edits;
  if (decision.action == policy::Action::tag || decision.action == policy::Action::quarantine) {
    edits.push_back({policy::Edit::Kind::insert, std::string(disposition_field),
                     " " + std::string(to_string(decision.action)) + "; rule=" + decision.rule, 0});
  }
  // Inserted last, so that it is the topmost field.
  edits.push_back(
      {policy::Edit::Kind::insert, std::string(results_field), authentication_results, 0});
  return edits;
}

}  // namespace sekisho::session
