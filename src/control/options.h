// control/options.h: the daemon's control socket. [control] Thread: immutable value.
#pragma once

#include <string>

namespace sekisho::control {

struct Options {
  std::string socket = "/run/sekisho/control.sock";
  std::string group;  // empty: as created
};

}  // namespace sekisho::control
