// cli/held_decision.h: the facts about a held message and the decision for which it is held: from
// our own store or, if the MTA holds it, from the history.
// Errors: an exit code and a sentence. Thread: the main one.
#pragma once

#include <string>

#include "cli/complain.h"
#include "config/settings.h"
#include "policy/facts.h"
#include "policy/verdict.h"
#include "quarantine/held.h"

namespace sekisho::cli {

struct HeldDecision {
  policy::Facts facts;
  policy::Decision decision;
};

// For a message in our store. Pure.
OrComplaint<HeldDecision> decision_of(const quarantine::HeldMessage& message);

// By the id of the decision or, if the MTA holds it, by its queue id.
OrComplaint<HeldDecision> find_held_decision(const config::Settings& settings,
                                             const std::string& id);

}  // namespace sekisho::cli
