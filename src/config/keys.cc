#include "config/keys.h"

#include <algorithm>
#include <utility>

#include "config/key_rows.h"

namespace sekisho::config {
namespace {

// Fills in what a row does not repeat of its section; a rule is stored as one for everybody.
void complete(Section& section) {
  for (KeyRow& row : section.keys) {
    row.section = section.name;
    if (!row.rule) continue;
    row.slot = in_part<Settings>(
        row.rule, [](auto& settings) -> auto& { return settings.rules.defaults; });
  }
}

// The rules of all sections, as keys of an entry that has rules of its own.
void complete_entries(Section& section, const std::vector<Section>& all) {
  if (!section.repeated || !section.repeated->rule) return;
  for (const Section& other : all) {
    for (const KeyRow& row : other.keys) {
      if (!row.rule) continue;
      section.repeated->rules.push_back({.name = row.in_policy,
                                         .entry = section.repeated->rule(row.rule),
                                         .sample = row.sample,
                                         .section = section.name});
    }
  }
}

std::vector<Section> complete_sections() {
  std::vector<Section> all;
  for (const auto& make : all_sections) complete(all.emplace_back(make()));
  for (Section& section : all) complete_entries(section, all);
  return all;
}

Rows complete_keys() {
  Rows all{include_key()};
  for (const Section& section : sections()) {
    all.insert(all.end(), section.keys.begin(), section.keys.end());
  }
  return all;
}

const KeyRow* find_in(const Rows& rows, std::string_view name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const KeyRow& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

std::string KeyRow::path() const {
  return (section.empty() ? std::string() : std::string(section) + ".") + std::string(name);
}

std::string KeyRow::expects() const { return slot ? slot.expects : entry.expects; }

std::string KeyRow::default_value() const {
  if (required) return {};
  const Settings usual;
  return slot ? slot.show(usual) : entry.show(find_section(section)->repeated->make(usual));
}

const KeyRow* Section::find(std::string_view key) const {
  const KeyRow* own = find_in(keys, key);
  return own != nullptr || !repeated ? own : find_in(repeated->rules, key);
}

std::vector<std::string> Section::key_names() const {
  std::vector<std::string> names;
  if (repeated) {
    for (const KeyRow& row : repeated->rules) names.emplace_back(row.name);
  }
  for (const KeyRow& row : keys) names.emplace_back(row.name);
  return names;
}

bool Section::needs_restart() const {
  return std::any_of(keys.begin(), keys.end(),
                     [](const KeyRow& row) { return row.reload == Reload::restart; });
}

const std::vector<Section>& sections() {
  static const std::vector<Section> all = complete_sections();
  return all;
}

const Rows& keys() {
  static const Rows all = complete_keys();
  return all;
}

const Section* find_section(std::string_view name) {
  for (const Section& section : sections()) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

const KeyRow* find_key(std::string_view path) {
  for (const KeyRow& row : keys()) {
    if (row.path() == path) return &row;
  }
  return nullptr;
}

}  // namespace sekisho::config
