#include "config/reload.h"

#include "config/keys.h"

namespace sekisho::config {
namespace {

bool needs_restart(const KeyRow& row) { return row.slot && row.reload == Reload::restart; }

bool needs_restart(const Section& section) { return section.repeated && section.needs_restart(); }

// All entries of a section as one text, for comparison.
std::string entries_text(const Section& section, const Settings& settings) {
  std::string out;
  for (const AnyEntry& entry : section.repeated->all(settings)) {
    for (const KeyRow& row : section.keys) out += row.entry.show(entry) + "\n";
  }
  return out;
}

void keep_entries(const Repeated& entries, const Settings& running, Settings& loaded) {
  entries.clear(loaded);
  for (AnyEntry& entry : entries.all(running)) entries.add(loaded, std::move(entry));
}

}  // namespace

std::vector<std::string> reload_needs_restart(const Settings& running, const Settings& loaded) {
  std::vector<std::string> out;
  for (const KeyRow& row : keys()) {
    if (needs_restart(row) && row.slot.show(running) != row.slot.show(loaded)) {
      out.push_back(row.path());
    }
  }
  for (const Section& section : sections()) {
    if (needs_restart(section) && entries_text(section, running) != entries_text(section, loaded)) {
      out.emplace_back(section.name);
    }
  }
  return out;
}

Settings keep_until_restart(const Settings& running, Settings loaded) {
  for (const KeyRow& row : keys()) {
    if (needs_restart(row)) row.slot.copy(running, loaded);
  }
  for (const Section& section : sections()) {
    if (needs_restart(section)) keep_entries(*section.repeated, running, loaded);
  }
  return loaded;
}

}  // namespace sekisho::config
