// cli/held_decision.h: what was known of a message that was held, and the decision that held it:
// from our own store, or, where the MTA holds it, from the history.
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

// Of a message in our store. Pure.
OrComplaint<HeldDecision> decision_of(const quarantine::HeldMessage& message);

// By the id of the decision, or where the MTA holds it by its queue id.
OrComplaint<HeldDecision> find_held_decision(const config::Settings& settings,
                                             const std::string& id);

}  // namespace sekisho::cli
