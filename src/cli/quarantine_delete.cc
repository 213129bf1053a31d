// `sekisho quarantine delete` and `undelete`.
#include <algorithm>
#include <cstdio>

#include "cli/ask.h"
#include "cli/person.h"
#include "cli/quarantine_store.h"

namespace sekisho::cli {

namespace {

bool names_all(const QuarantineOptions& options) {
  return std::find(options.ids.begin(), options.ids.end(), "ALL") != options.ids.end();
}

std::string messages(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " message" : " messages");
}

// A filter may match more than was thought of.
int confirm(const DeleteOptions& options, std::size_t count, bool for_good) {
  if (options.yes || !names_all(options)) return ok;
  const std::string what = messages(count) + (for_good ? " for good" : "");
  switch (ask("Delete " + what + "?")) {
    case Answer::yes:
      return ok;
    case Answer::no:
      return complain(usage, "nothing is deleted");
    case Answer::nobody_there:
      break;
  }
  return complain(usage, "nothing is deleted: it would be " + what +
                             ", nobody can be asked here, and --yes was not given");
}

// Does it to each; the exit status is that of the first failure.
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
      const int failed =
          complain(exit_code_of(changed.error().kind), id + ": " + changed.error().why);
      if (code == ok) code = failed;
    }
  }
  if (done == 0 && ids.size() > 1) warn(std::string("nothing is ") + outcome);
  return code;
}

}  // namespace

int quarantine_delete(const DeleteOptions& options) {
  auto open = open_store(options.config);
  if (!open) return open.error();
  const auto ids = selected_ids(*open->store, options, wall_now());
  if (!ids) return ids.error();
  const bool for_good =
      options.now || open->settings.quarantine.keep_deleted == std::chrono::seconds(0);
  if (const int code = confirm(options, ids->size(), for_good); code != ok) return code;
  ActLog log(open->settings);
  return do_to_each(*ids, log, "quarantine delete", for_good ? "deleted for good" : "deleted",
                    [&](const std::string& id) {
                      return open->store->remove(id, wall_now(), log.who().text(), for_good);
                    });
}

int quarantine_undelete(const QuarantineOptions& options) {
  auto open = open_store(options.config);
  if (!open) return open.error();
  QuarantineOptions deleted = options;
  if (deleted.filter.state.empty() && names_all(options)) deleted.filter.state = "deleted";
  const auto ids = selected_ids(*open->store, deleted, wall_now());
  if (!ids) return ids.error();
  ActLog log(open->settings);
  return do_to_each(*ids, log, "quarantine undelete", "held again", [&](const std::string& id) {
    return open->store->restore(id, wall_now(), log.who().text());
  });
}

}  // namespace sekisho::cli
