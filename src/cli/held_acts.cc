#include "cli/held_acts.h"

#include "base/terminal_text.h"
#include "cli/configuration.h"
#include "cli/held_text.h"
#include "cli/quarantine_store.h"

namespace sekisho::cli {

std::string acts_text(const HistoryPlace& place, const std::string& id) {
  if (!place.dir.empty() && place.config.empty()) return {};
  const auto loaded = load_configuration(place.config, config::ValueFiles::skip);
  if (!loaded) return {};
  using session::QuarantineWhere;
  if (loaded->settings.session.quarantine.where != QuarantineWhere::store) return {};
  const auto held = open_held(loaded->settings, [](const std::string&) {});
  if (!held) return {};
  const auto message = held->store->get(id);
  if (!message || message->acts.empty()) return {};
  std::string text = "\nWhat people did with it\n";
  for (const auto& [time, who, what] : message->acts)
    text += "  " + short_time(time) + " UTC by " + printable(who, 64) + ": " +
            printable(what, 400) + "\n";
  return text;
}

}  // namespace sekisho::cli
