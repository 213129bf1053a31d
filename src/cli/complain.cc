#include "cli/complain.h"

#include <cstdio>

#include "base/encoding.h"

namespace sekisho::cli {

ExitCode complain(ExitCode code, const std::string& what) {
  warn(what);
  return code;
}

ExitCode complain(const Complaint& complaint) {
  return complaint.what.empty() ? complaint.code : complain(complaint.code, complaint.what);
}

void warn(const std::string& what) {
  std::fprintf(stderr, "sekisho: %s\n", escape_for_terminal(what).c_str());
}

}  // namespace sekisho::cli
