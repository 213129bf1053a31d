// cli/ask.h: asks the person at the terminal before something that is hard to undo. Where standard
// input or output is no terminal nobody is asked: the command then needs --yes. Thread: the main
// one.
#pragma once

#include <string>

namespace sekisho::cli {

enum class Answer { yes, no, nobody_there };

// "QUESTION [y/N] "; everything but a yes is a no.
Answer ask(const std::string& question);

}  // namespace sekisho::cli
