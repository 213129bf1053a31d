// session/outcome.h: what the front must do with a message, and all that led to it.
// Thread: immutable values.
#pragma once

#include <string>

#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::session {

struct Outcome {
  policy::Facts facts;
  policy::Verdict verdict;
  std::string authentication_results;  // our field's value; empty for exempt clients
  bool hold = false;                   // quarantine at the MTA, with `hold_reason`
  std::string hold_reason;
  bool operator==(const Outcome&) const = default;
};

}  // namespace sekisho::session
