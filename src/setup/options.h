// setup/options.h: the files of the allowlist and the denylist. [allowlist], [denylist]
// Thread: immutable values.
#pragma once

#include <string>
#include <vector>

namespace sekisho::setup {

inline constexpr const char* default_allowlist = "/etc/sekisho/allowlist";
inline constexpr const char* default_denylist = "/etc/sekisho/denylist";

// The default files need not exist.
struct AccessFileOptions {
  std::vector<std::string> allowlist = {default_allowlist};
  std::vector<std::string> denylist = {default_denylist};
};

}  // namespace sekisho::setup
