// cli/commands.h: the command line of `sekisho`.
// Errors: sysexits codes. Thread: the main one.
#pragma once

namespace sekisho::cli {

int run(int argc, char** argv);

}  // namespace sekisho::cli
