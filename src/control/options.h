// control/options.h: how the daemon is reached, by the command and by Prometheus. [control], [metrics]
// Thread: immutable values.
#pragma once

#include <string>

namespace sekisho::control {

struct Options {
  std::string socket = "/run/sekisho/control.sock";
  std::string group;  // empty: as created
};

struct MetricsOptions {
  std::string listen;  // "127.0.0.1:9464"; empty: nowhere
};

}  // namespace sekisho::control
