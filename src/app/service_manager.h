// app/service_manager.h: tells systemd the state of the daemon (sd_notify(3)), if it asked for
// that.
// Errors: none. Thread: any.
#pragma once

#include <string_view>

namespace sekisho::app {

// "READY=1", "STOPPING=1", …
void tell_service_manager(std::string_view state);
// "RELOADING=1" with the time that systemd wants beside it.
void tell_service_manager_reloading();

}  // namespace sekisho::app
