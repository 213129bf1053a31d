// cli/check_text.h: the outcome of a message for a person. Text of the sender is escaped: it must
// not control a terminal.
// Thread: any.
#pragma once

#include <string>

#include "session/session.h"

namespace sekisho::cli {

std::string check_text(const session::Outcome& outcome);

}  // namespace sekisho::cli
