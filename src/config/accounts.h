// config/accounts.h: the users and groups that a configuration names, looked up on this host.
// Errors: findings. Thread: one at a time (getpwnam).
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace sekisho::config {

// Appends a finding for each name that is not an account here. Only root changes its user: unless
// `as_root`, an unknown [process] user is a warning, and its default is not checked.
void find_unknown_accounts(const Loaded& loaded, const std::string& name, bool as_root,
                           std::vector<Finding>& out);

}  // namespace sekisho::config
