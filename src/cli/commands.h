// cli/commands.h: the command line of `sekisho`.
// Errors: sysexits codes. Thread: the main one.
#pragma once

namespace CLI {
class App;
}

namespace sekisho::cli {

// All verbs with their options; the called one stores its exit code in `result`.
void add_commands(CLI::App& app, int& result);
int run(int argc, char** argv);

}  // namespace sekisho::cli
