// The admin's command.
#include <cstdio>
#include <exception>

#include "cli/commands.h"
#include "cli/exit_code.h"

int main(int argc, char** argv) {
  try {
    return sekisho::cli::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sekisho: internal error: %s\n", error.what());
    return sekisho::cli::software;
  }
}
