// config/reload.h: which changes of a configuration a reload applies, by the table of keys.
// Thread: any.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace sekisho::config {

// The keys that differ and need a restart, "control.socket", and the sections with several entries
// whose keys do, "milter".
std::vector<std::string> reload_needs_restart(const Settings& running, const Settings& loaded);

// `loaded` with the values of `running` for those keys.
Settings keep_until_restart(const Settings& running, Settings loaded);

}  // namespace sekisho::config
