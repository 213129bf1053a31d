// replay/what_if.h: what would have changed the outcome of a recorded decision. Each answer is a
// decision made again with something different in the facts or in the rules, never a canned text.
// Pure. Errors: none; what cannot be decided on the recorded DNS answers is left out. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "session/decided.h"
#include "session/engine.h"

namespace sekisho::replay {

struct Alternative {
  std::string change;  // "SPF had passed for b.example": after "if"; names of the sender's in it
  policy::Action action = policy::Action::accept;
  std::string rule;  // that would have spoken
  // It would not have been refused at RCPT; of the rest nothing is known, and action and rule say
  // nothing.
  bool passes_rcpt = false;
};

// Only what leads to another action. First the sender's part, then ours.
std::vector<Alternative> what_if(const session::Decided& recorded, const session::Snapshot& snapshot);

}  // namespace sekisho::replay
