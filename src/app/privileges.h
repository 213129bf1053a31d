// app/privileges.h: becomes an ordinary user for good.
// Errors: a sentence for the admin. Thread: the main one, before there are others.
#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace sekisho::app {

// Becomes the user that the configuration names when started as root; stays what it is otherwise,
// and where root itself is named. No program that is started from here gains anything.
Expected<void, std::string> drop_privileges(const config::ProcessOptions& options);

}  // namespace sekisho::app
