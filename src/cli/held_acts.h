// cli/held_acts.h: what people did with a message that our own store held: released, deleted,
// allowed. For an explanation.
// Errors: a store that cannot be read is ignored; the explanation is about the decision. Thread:
// the main one.
#pragma once

#include <string>

#include "cli/records.h"

namespace sekisho::cli {

// A section of lines, or an empty text.
std::string acts_text(const HistoryPlace& place, const std::string& id);

}  // namespace sekisho::cli
