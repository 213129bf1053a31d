// cli/ask.h: asks the person at the terminal before something that is hard to undo. Where standard
// input or output is no terminal nobody is asked: the command then needs --yes.
// Thread: the main one.
#pragma once

#include <string>

#include "cli/exit_code.h"

namespace sekisho::cli {

enum class Answer { yes, no, nobody_there };

// "QUESTION [y/N] "; everything but a yes is a no.
Answer ask(const std::string& question);

// "Delete 3 messages?": ok for a yes. Otherwise it is said that nothing is `done` ("deleted"),
// which would be to `what`.
ExitCode confirm(const std::string& verb, const std::string& what, const std::string& done);

}  // namespace sekisho::cli
