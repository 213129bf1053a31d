// replay/what_if.h: what would have changed the outcome of a recorded decision. Each answer is a
// decision made again with something different in the facts or in the rules, never a canned text.
// Pure.
// Errors: none; alternatives that need other DNS answers are left out. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "session/decided.h"
#include "session/engine.h"

namespace sekisho::replay {

struct Alternative {
  std::string change;  // completes "if …"; may contain names chosen by the sender: escape it
  policy::Action action = policy::Action::accept;
  std::string rule;  // that would have decided
  // It would not have been refused at RCPT; the verdict is then unknown, and action and rule have
  // no meaning.
  bool passes_rcpt = false;
};

// Only alternatives with another action; first those of the sender, then ours.
std::vector<Alternative> what_if(const session::Decided& recorded,
                                 const session::Snapshot& snapshot);

}  // namespace sekisho::replay
