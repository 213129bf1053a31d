// cli/words.h: the words of a command line in the form that the parser needs. CLI11 reads
// "--option=" as an option whose value is the next word, and would judge a bounce by the options
// behind "--mail-from=".
// Errors: none. Thread: any.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace sekisho::cli {

// For CLI::App::parse(), which takes the last word first. `argv[0]` is not among them.
std::vector<std::string> spelt_out(const CLI::App& app, int argc, const char* const* argv);

}  // namespace sekisho::cli
