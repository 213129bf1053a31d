// cli/exit_code.h: what the programs exit with. sysexits(3).
// Thread: immutable.
#pragma once

namespace sekisho::cli {

enum ExitCode : int {
  ok = 0,
  usage = 64,        // the command line is wrong
  data_error = 65,   // what was given cannot be read as what it should be
  no_input = 66,     // a file is missing, or no message is held that is meant
  unavailable = 69,  // the daemon does not run
  software = 70,     // a bug
  os_error = 71,     // a socket or thread cannot be had
  cannot_create = 73,
  io_error = 74,  // standard output takes no more
  temporary = 75,
  no_permission = 77,
  config = 78,  // the configuration is wrong
};

}  // namespace sekisho::cli
