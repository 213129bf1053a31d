// app/privileges.h: becomes an ordinary user for good.
// Errors: a sentence for the admin. Thread: the main one, before there are others.
#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace sekisho::app {

// Does nothing unless started as root. Afterwards root cannot be had again, and no program started
// from here gains anything.
Expected<bool, std::string> drop_privileges(const config::ProcessOptions& options);

}  // namespace sekisho::app
