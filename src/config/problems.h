// config/problems.h: faults that keep the daemon, but not `sekisho check`, from working with a
// configuration on this host.
// Errors: findings. Thread: one at a time (getpwnam).
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace sekisho::config {

// `name` is that of the configuration. Errors; but warnings for what only root needs, unless
// `as_root`.
std::vector<Finding> problems(const Loaded& loaded, const std::string& name, bool as_root);

}  // namespace sekisho::config
