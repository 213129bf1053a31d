// cli/exit_code.h: the exit codes of the programs. sysexits(3).
// Thread: immutable.
#pragma once

namespace sekisho::cli {

enum ExitCode : int {
  ok = 0,
  usage = 64,        // the command line is wrong
  data_error = 65,   // the input cannot be parsed
  no_input = 66,     // a file is missing, or no such message is held
  unavailable = 69,  // the daemon does not run
  software = 70,     // a bug
  os_error = 71,     // no socket or thread could be created
  cannot_create = 73,
  io_error = 74,  // standard output takes no more
  temporary = 75,
  no_permission = 77,
  config = 78,  // the configuration is wrong
};

}  // namespace sekisho::cli
