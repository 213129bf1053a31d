// The admin's command, and under other names sendmail(1).
#include <cstdio>
#include <exception>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/sendmail.h"

int main(int argc, char** argv) {
  try {
    const int result = argc > 0 && sekisho::cli::is_sendmail_name(argv[0])
                           ? sekisho::cli::sendmail(argc, argv)
                           : sekisho::cli::run(argc, argv);
    // If output was cut (a full disk), the exit status must say so.
    const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    if (written || result != sekisho::cli::ok) return result;
    std::fputs("sekisho: cannot write to standard output\n", stderr);
    return sekisho::cli::io_error;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sekisho: internal error: %s\n", error.what());
    return sekisho::cli::software;
  }
}
