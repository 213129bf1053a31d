#include "cli/complain.h"

#include <cstdio>

#include "base/encoding.h"

namespace sekisho::cli {

int complain(ExitCode code, const std::string& what) {
  warn(what);
  return code;
}

void warn(const std::string& what) {
  std::fprintf(stderr, "sekisho: %s\n", escape_for_terminal(what).c_str());
}

}  // namespace sekisho::cli
