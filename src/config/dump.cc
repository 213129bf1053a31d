#include "config/dump.h"

#include "config/keys.h"

namespace sekisho::config {
namespace {

// One key; nothing when it has its default and only changes are wanted.
std::string line(std::string_view name, const std::string& value, const std::string& usual,
                 const DumpOptions& options) {
  const bool is_default = value == usual;
  if (is_default && options.only_changed) return {};
  return std::string(name) + " = " + value + (is_default ? "  # default" : "") + "\n";
}

std::string single_section(const Section& section, const Settings& settings,
                           const DumpOptions& options) {
  std::string out;
  for (const KeyRow& row : keys()) {
    if (row.section != section.name) continue;
    std::string value;
    if (const auto* slot = std::get_if<Slot<Settings>>(&row.slot)) {
      value = slot->show(settings);
    } else if (const auto* rule = std::get_if<Slot<policy::Rules>>(&row.slot)) {
      value = rule->show(settings.rules.defaults);
    }
    out += line(row.name, value, row.default_value(), options);
  }
  return out.empty() ? out : "[" + std::string(section.name) + "]\n" + out + "\n";
}

// One entry of a section that may stand several times.
template <class Owner>
std::string entry(const Section& section, const Owner& owner, const DumpOptions& options) {
  std::string out = "[[" + std::string(section.name) + "]]\n";
  for (const KeyRow& row : keys()) {
    if (row.section != section.name) continue;
    const auto& slot = std::get<Slot<Owner>>(row.slot);
    out += line(row.name, slot.show(owner), row.default_value(), options);
  }
  return out + "\n";
}

std::string list_entries(const Section& section, const Settings& settings,
                         const DumpOptions& options) {
  std::string out;
  for (std::size_t i = 0; i < settings.client.lists.size(); ++i) {
    if (to_string(settings.client.lists[i].kind) != section.name) continue;
    out += entry(section, list_entry(settings, i), options);
  }
  return out;
}

// What differs from the rules for everybody: the rest is in their sections.
std::string policy_entry(const policy::RecipientRules& rules, const policy::Rules& defaults) {
  std::string out = "[[policy]]\n";
  for (const KeyRow& row : keys()) {
    if (const auto* to = std::get_if<Slot<policy::RecipientRules>>(&row.slot)) {
      out += std::string(row.name) + " = " + to->show(rules) + "\n";
    }
  }
  for (const KeyRow& row : keys()) {
    const auto* slot = std::get_if<Slot<policy::Rules>>(&row.slot);
    if (slot == nullptr || slot->show(rules.rules) == slot->show(defaults)) continue;
    out += std::string(row.in_policy) + " = " + slot->show(rules.rules) + "\n";
  }
  return out + "\n";
}

}  // namespace

std::string dump(const Settings& settings, const DumpOptions& options) {
  std::string out;
  for (const Section& section : sections()) {
    if (!section.repeated) {
      out += single_section(section, settings, options);
    } else if (section.name == "milter") {
      for (const auto& each : settings.milters) out += entry(section, each, options);
    } else if (list_kind(section.name)) {
      out += list_entries(section, settings, options);
    } else {
      for (const auto& each : settings.rules.policies) {
        out += policy_entry(each, settings.rules.defaults);
      }
    }
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace sekisho::config
