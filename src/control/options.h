// control/options.h: how the command reaches the daemon. [control]
// Thread: immutable values.
#pragma once

#include <string>

namespace sekisho::control {

struct Options {
  std::string socket = "/run/sekisho/control.sock";
  std::string group;  // empty: as created
};

}  // namespace sekisho::control
