// relay/sendmail_program.h: hands one message to the MTA by its sendmail(1) command: no shell, a
// minimal environment, recipients behind "--". The message goes to its standard input with LF line
// ends. Blocks, ten minutes at most. ORCPT cannot be passed on that command line.
// Errors: Handover. Thread: the main one of a program that runs children.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "relay/letter.h"

namespace sekisho::relay {

// Its arguments, program first: `-N` from NOTIFY if it is the same for all recipients; `-R` and
// `-V` from RET and ENVID.
std::vector<std::string> sendmail_arguments(const std::string& program, const Letter& letter);

Handover hand_over_by_sendmail(const std::string& program, const Letter& letter,
                               std::chrono::seconds timeout = std::chrono::minutes(10));

}  // namespace sekisho::relay
