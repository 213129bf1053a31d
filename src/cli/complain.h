// cli/complain.h: how a command says on stderr what is wrong. What was typed, or sent by somebody,
// is escaped.
// Thread: any.
#pragma once

#include <string>

#include "cli/exit_code.h"

namespace sekisho::cli {

// "sekisho: WHAT"; gives the code back: return complain(no_input, file + ": cannot be read").
int complain(ExitCode code, const std::string& what);

// The same for what does not end the command.
void warn(const std::string& what);

}  // namespace sekisho::cli
