// cli/failure_message.h: what is wrong with a command line. What was typed is escaped: it may have
// been pasted, or come out of a mail. Thread: any.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace sekisho::cli {

std::string failure_message(const CLI::App* app, const CLI::Error& error);

}  // namespace sekisho::cli
