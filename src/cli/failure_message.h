// cli/failure_message.h: the fault of a command line. Typed text is escaped: it may have been
// pasted from a mail.
// Thread: any.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace sekisho::cli {

std::string failure_message(const CLI::App* app, const CLI::Error& error);

}  // namespace sekisho::cli
