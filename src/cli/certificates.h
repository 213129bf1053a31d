// cli/certificates.h: `sekisho certificates copy`: gives the daemon copies of the pairs of [tls],
// for files that only root may read.
// Errors: exit codes, and sentences on stderr. Thread: the main one.
#pragma once

#include <string>

namespace sekisho::cli {

// An empty path: the system's configuration.
int certificates_copy(const std::string& config);

}  // namespace sekisho::cli
