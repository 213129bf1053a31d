// config/reload.h: what a reload takes of a changed configuration, by the table of keys.
// Thread: any.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace sekisho::config {

// The keys that differ and need a restart, "control.socket", and the sections with several entries
// whose keys do, "milter".
std::vector<std::string> reload_needs_restart(const Settings& running, const Settings& loaded);

// `loaded` with those as they are in `running`.
Settings keep_until_restart(const Settings& running, Settings loaded);

}  // namespace sekisho::config
