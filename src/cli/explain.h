// cli/explain.h: `sekisho explain`: explains a decision, makes it again offline, or shows what
// another configuration would have decided.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>
#include <vector>

#include "cli/records.h"

namespace sekisho::cli {

struct ExplainRequest {
  HistoryPlace place;
  std::vector<std::string> ids;  // "-": from standard input; "ALL": every one
  bool replay = false;
  bool json = false;
};

// With --replay: 1 if a decision differs, or cannot be made again.
int explain(const ExplainRequest& request);

}  // namespace sekisho::cli
