#include "config/dump.h"

#include "config/keys.h"

namespace sekisho::config {
namespace {

// One key; empty if it has its default and only changes are wanted.
std::string line(std::string_view name, const std::string& value, const std::string& usual,
                 const DumpOptions& options) {
  const bool is_default = value == usual;
  if (is_default && options.only_changed) return {};
  return std::string(name) + " = " + value + (is_default ? "  # default" : "") + "\n";
}

std::string single_section(const Section& section, const Settings& settings,
                           const DumpOptions& options) {
  std::string out;
  for (const KeyRow& row : section.keys) {
    out += line(row.name, row.slot.show(settings), row.default_value(), options);
  }
  return out.empty() ? out : "[" + std::string(section.name) + "]\n" + out + "\n";
}

// One entry of a repeated section. For rules, only those that differ from the defaults for
// everybody, which are in their sections.
std::string entry_text(const Section& section, const AnyEntry& entry, const Settings& settings,
                       const DumpOptions& options) {
  std::string out = "[[" + std::string(section.name) + "]]\n";
  for (const KeyRow& row : section.keys) {
    out += line(row.name, row.entry.show(entry), row.default_value(), options);
  }
  const AnyEntry usual = section.repeated->make(settings);
  for (const KeyRow& row : section.repeated->rules) {
    out += line(row.name, row.entry.show(entry), row.entry.show(usual), {.only_changed = true});
  }
  return out + "\n";
}

}  // namespace

std::string dump(const Settings& settings, const DumpOptions& options) {
  std::string out;
  for (const Section& section : sections()) {
    if (!section.repeated) {
      out += single_section(section, settings, options);
      continue;
    }
    for (const AnyEntry& entry : section.repeated->all(settings)) {
      out += entry_text(section, entry, settings, options);
    }
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace sekisho::config
