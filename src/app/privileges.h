// app/privileges.h: becomes an ordinary user for good.
// Errors: a sentence for the admin. Thread: the main one, before there are others.
#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace sekisho::app {

// When started as root, becomes the user of the configuration, unless that is root itself;
// otherwise does nothing. Programs started later cannot gain privileges.
Expected<void, std::string> drop_privileges(const config::ProcessOptions& options);

}  // namespace sekisho::app
