// relay/sendmail_program.h: hands one message to the MTA by its sendmail(1) command: no shell, a
// minimal environment, recipients behind "--". The message goes to its standard input with LF line
// ends. Blocks, ten minutes at most. ORCPT has no place on that command line. Errors: Handover.
// Thread: the main one of a program that runs children.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "relay/letter.h"

namespace sekisho::relay {

// What it is run with, program first. `-N` as the first recipient's NOTIFY says when all agree;
// `-R` and `-V` as RET and ENVID say.
std::vector<std::string> sendmail_arguments(const std::string& program, const Letter& letter);

Handover hand_over_by_sendmail(const std::string& program, const Letter& letter,
                               std::chrono::seconds timeout = std::chrono::minutes(10));

}  // namespace sekisho::relay
