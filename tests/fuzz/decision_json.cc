// Any octets as the decision that is kept beside a held message. It is read or refused with a
// sentence; and what the command then proposes for the allowlist is an entry that reads as itself,
// names an identity that the record says was proved, and could have let the message through.
#include <string>

#include <nlohmann/json.hpp>

#include "fuzz/require.h"
#include "policy/allow_proposal.h"
#include "record/json.h"

namespace {

using namespace sekisho;
using fuzz::require;
using policy::AccessKind;

void check_proposal(const policy::Facts& facts, const policy::Decision& decision) {
  const auto proposal = policy::propose(facts, decision);
  if (!proposal) {
    require(!proposal.error().empty());
    return;
  }
  const auto& entry = proposal->entry;
  const std::string text = entry.text(AccessKind::allow);
  const auto again = policy::AccessEntry::parse(text, AccessKind::allow);
  require(again && again->text(AccessKind::allow) == text);
  require(again->identity() == entry.identity() && !proposal->reason.empty());
  // Nobody gets in by a name that was not proven.
  require(entry.proof != policy::Proof::none);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = nlohmann::json::parse(fuzz::text_of(data, size), nullptr, false);
  const auto recorded = record::from_json(record);
  if (!recorded) {
    require(!recorded.error().empty());
    return 0;
  }
  const auto& facts = recorded->facts;
  const auto& verdict = recorded->verdict;
  check_proposal(facts, verdict.message);
  for (const auto& [to, decision] : verdict.recipients) check_proposal(facts, decision);
  return 0;
}
