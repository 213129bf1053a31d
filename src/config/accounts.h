// config/accounts.h: the users and groups that a configuration names, looked up on this host.
// Errors: findings. Thread: one at a time (getpwnam).
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace sekisho::config {

// Appends one for each name that is no account here. Only root changes its user: unless `as_root`,
// that [process] names none is a warning, and its default is not looked at.
void find_unknown_accounts(const Loaded& loaded, const std::string& name, bool as_root,
                           std::vector<Finding>& out);

}  // namespace sekisho::config
