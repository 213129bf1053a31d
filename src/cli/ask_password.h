// cli/ask_password.h: asks the person at the terminal for a new password, twice, without showing
// it.
// Errors: an exit code and a sentence. Thread: the main one.
#pragma once

#include <string>

#include "cli/complain.h"

namespace sekisho::cli {

// On standard input, which must be a terminal. A signal ends the question, not the process: the
// terminal must show what is typed again.
OrComplaint<std::string> ask_new_password(const std::string& login);

// The first line of standard input, for other programs.
OrComplaint<std::string> read_password_line();

}  // namespace sekisho::cli
