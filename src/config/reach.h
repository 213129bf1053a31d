// config/reach.h: missing folders, and files that the daemon's user cannot read or write. A person
// who checks a configuration as root would not notice these. Only reads modes and owners; opens and
// changes nothing.
// Errors: findings, each with a command that helps. Thread: any; reads passwd and group.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"
#include "config/load.h"

namespace sekisho::config {

// `name` is that of the configuration. `as_root`: the daemon becomes [process] user; otherwise that
// user is checked if it exists, else the calling user.
void find_unreachable(const Loaded& loaded, const std::string& name, bool as_root,
                      std::vector<Finding>& out);

}  // namespace sekisho::config
