// cli/daemon.h: the verbs that ask the running daemon: `sekisho status`, `sekisho reload`.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>

namespace sekisho::cli {

// `socket`: empty takes the one of the configuration.
int status(const std::string& socket, const std::string& config, bool json);
int reload(const std::string& socket, const std::string& config);

}  // namespace sekisho::cli
