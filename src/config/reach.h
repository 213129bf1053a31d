// config/reach.h: what the daemon's user will meet on this host: folders that are missing, files
// that it may not read or write. A person who checks a configuration as root may do everything,
// and would not see it. Looks at modes and owners alone; nothing is opened or changed.
// Errors: findings, each with a command that helps. Thread: any; reads passwd and group.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"
#include "config/load.h"

namespace sekisho::config {

// `name` is that of the configuration. `as_root`: the daemon becomes [process] user; otherwise
// that user is looked at where it exists, and else the one who asks.
void find_unreachable(const Loaded& loaded, const std::string& name, bool as_root,
                      std::vector<Finding>& out);

}  // namespace sekisho::config
