// `sekisho quarantine delete` and `undelete`.
#include <cstdio>

#include "cli/ask.h"
#include "cli/person.h"
#include "cli/quarantine_store.h"

namespace sekisho::cli {

namespace {

// A filter may match more messages than intended.
ExitCode confirm_deletion(const DeleteOptions& options, std::size_t count, bool for_good) {
  if (options.yes || !names_all(options)) return ok;
  return confirm("Delete", messages(count) + (for_good ? " for good" : ""), "deleted");
}

// Applies the action to each; the exit status is that of the first failure.
template <class Do>
int do_to_each(const std::vector<std::string>& ids, ActLog& log, const char* verb,
               const char* outcome, const Do& act) {
  int code = ok;
  std::size_t done = 0;
  for (const auto& id : ids) {
    if (const auto changed = act(id); changed) {
      ++done;
      std::printf("%s  %s\n", id.c_str(), outcome);
      log.tell(verb, id, outcome);
    } else {
      const int failed = complain(complaint_of(changed.error(), id));
      if (code == ok) code = failed;
    }
  }
  if (done == 0 && ids.size() > 1) warn(std::string("nothing is ") + outcome);
  return code;
}

}  // namespace

int quarantine_delete(const DeleteOptions& options) {
  auto selected = open_selected(options);
  if (!selected) return complain(selected.error());
  auto& [open, ids] = *selected;
  const bool for_good =
      options.now || open.settings.quarantine.keep_deleted == std::chrono::seconds(0);
  if (const auto code = confirm_deletion(options, ids.size(), for_good); code != ok) return code;
  ActLog log(open.settings);
  auto& store = *open.store;
  return do_to_each(ids, log, "quarantine delete", for_good ? "deleted for good" : "deleted",
                    [&](const std::string& id) {
                      return store.remove(id, wall_now(), log.who().text(), for_good);
                    });
}

int quarantine_undelete(const QuarantineOptions& options) {
  QuarantineOptions deleted = options;
  if (deleted.filter.state.empty() && names_all(options)) deleted.filter.state = "deleted";
  auto selected = open_selected(deleted);
  if (!selected) return complain(selected.error());
  ActLog log(selected->open.settings);
  auto& store = *selected->open.store;
  return do_to_each(
      selected->ids, log, "quarantine undelete", "held again",
      [&](const std::string& id) { return store.restore(id, wall_now(), log.who().text()); });
}

}  // namespace sekisho::cli
