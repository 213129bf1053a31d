// config/dump.h: the effective settings as TOML, which loads again as the same settings.
// Thread: any.
#pragma once

#include <string>

#include "config/settings.h"

namespace sekisho::config {

struct DumpOptions {
  bool only_changed = false;  // leave out what has its default
};

// Defaults carry a comment, "# default".
std::string dump(const Settings& settings, const DumpOptions& options = {});

}  // namespace sekisho::config
