// setup/names.h: what `config check` says of the names that are mail addresses: files of aliases,
// senders and recipients, and root and postmaster, whose mail must be read by somebody.
// Errors: findings. Thread: any; waits for the disk.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"
#include "config/settings.h"

namespace sekisho::setup {

// Nothing without a listener. `name` is that of the configuration.
std::vector<config::Finding> name_findings(const config::Settings& settings,
                                           const std::string& name);

}  // namespace sekisho::setup
