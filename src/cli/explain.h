// cli/explain.h: `sekisho explain`: tells a person everything of a decision, makes it again
// offline, or asks what another configuration would have decided. Errors: an exit code, and a
// sentence on stderr.
// Thread: the main one.
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

// With --replay: 1 when a decision comes out otherwise, or cannot be made again.
int explain(const ExplainRequest& request);

}  // namespace sekisho::cli
