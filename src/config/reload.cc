#include "config/reload.h"

#include <algorithm>

#include "config/keys.h"

namespace sekisho::config {
namespace {

bool needs_restart(const KeyRow& row) { return row.slot && row.reload == Reload::restart; }

bool needs_restart(const Section& section) { return section.repeated && section.needs_restart(); }

// By what an entry is known after a change: its keys that need a restart.
std::string entry_text(const Section& section, const AnyEntry& entry) {
  std::string out;
  for (const KeyRow& row : section.keys) {
    if (row.reload == Reload::restart) out += row.entry.show(entry) + "\n";
  }
  return out;
}

// All entries of a section as one text, for comparison.
std::string entries_text(const Section& section, const Settings& settings) {
  std::string out;
  for (const AnyEntry& entry : section.repeated->all(settings)) out += entry_text(section, entry);
  return out;
}

// The running entries; those that are loaded again have their new values.
void keep_entries(const Section& section, const Settings& running, Settings& loaded) {
  const Repeated& entries = *section.repeated;
  std::vector<AnyEntry> fresh = entries.all(loaded);
  entries.clear(loaded);
  for (AnyEntry& entry : entries.all(running)) {
    const std::string known = entry_text(section, entry);
    const auto again = std::find_if(fresh.begin(), fresh.end(), [&](const AnyEntry& each) {
      return entry_text(section, each) == known;
    });
    entries.add(loaded, again == fresh.end() ? std::move(entry) : *again);
    if (again != fresh.end()) fresh.erase(again);
  }
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
    if (needs_restart(section)) keep_entries(section, running, loaded);
  }
  return loaded;
}

}  // namespace sekisho::config
