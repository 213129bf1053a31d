// cli/ask.h: asks the person at the terminal before something that is hard to undo. If standard
// input or output is not a terminal, the command needs --yes.
// Thread: the main one.
#pragma once

#include <string>

#include "cli/exit_code.h"

namespace sekisho::cli {

enum class Answer { yes, no, nobody_there };

// Prints "QUESTION [y/N] "; any answer but yes means no.
Answer ask(const std::string& question);

// Asks "Delete 3 messages?": ok for yes. Otherwise it prints that nothing of `what` was `done`
// ("deleted").
ExitCode confirm(const std::string& verb, const std::string& what, const std::string& done);

}  // namespace sekisho::cli
