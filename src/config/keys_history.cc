#include "config/key_rows.h"
#include "config/values.h"

namespace sekisho::config {

namespace {

Rows history_keys() {
  using std::chrono::hours;
  using std::chrono::seconds;
  constexpr std::uint64_t mega = std::uint64_t{1} << 20U;
  return {
      {.name = "dir",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.history.dir; }),
       .reload = Reload::restart,
       .text =
           "The folder of the record of decisions, for sekisho history and sekisho explain: "
           "envelope, "
           "header and DNS answers of every message, never its body. It must belong to the user of "
           "the daemon. Empty: nothing is recorded."},
      {.name = "keep",
       .slot = at<Settings>(
           duration<seconds>(hours(1), hours(24 * 3650)),
           [](auto& s) -> auto& { return s.history.keep; }),
       .text = "How long a decision is kept."},
      {.name = "max_size",
       .slot = at<Settings>(
           size(16 * mega, mega * mega), [](auto& s) -> auto& { return s.history.max_size; }),
       .text = "How much of the disk the record may take: past it the oldest decisions go, however "
               "young. A decision takes 1 to 5 KB."},
  };
}

}  // namespace

Section history_section() {
  return {.name = "history", .text = "What was decided, and why.", .keys = history_keys()};
}

}  // namespace sekisho::config
