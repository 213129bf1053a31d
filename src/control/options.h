// control/options.h: how the daemon is reached, by the command and by Prometheus, and the files of
// the allowlist and the denylist. [control], [metrics], [allowlist], [denylist] Thread: immutable
// values.
#pragma once

#include <string>
#include <vector>

namespace sekisho::control {

struct Options {
  std::string socket = "/run/sekisho/control.sock";
  std::string group;  // empty: as created
};

struct MetricsOptions {
  std::string listen;  // "127.0.0.1:9464"; empty: nowhere
};

inline constexpr const char* default_allowlist = "/etc/sekisho/allowlist";
inline constexpr const char* default_denylist = "/etc/sekisho/denylist";

// The default files need not exist.
struct ListFileOptions {
  std::vector<std::string> allowlist = {default_allowlist};
  std::vector<std::string> denylist = {default_denylist};
};

}  // namespace sekisho::control
