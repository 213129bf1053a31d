#include "config/load.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include <glob.h>

#include "base/encoding.h"
#include "base/fnv.h"
#include "config/checks.h"
#include "config/complete.h"
#include "config/document.h"
#include "config/dump.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/suggest.h"

namespace sekisho::config {
namespace {

// No person follows deeper nesting of includes.
constexpr std::size_t max_include_nesting = 8;

// The files that match a pattern, sorted by octets and not by the locale.
std::vector<std::string> files_of(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  std::sort(out.begin(), out.end());
  return out;
}

std::string canonical(const std::string& path) {
  std::error_code failure;
  const auto out = std::filesystem::weakly_canonical(path, failure);
  return failure ? path : out.string();
}

std::vector<std::string> names_in(const Section* section) {
  if (section != nullptr) return section->key_names();
  std::vector<std::string> out;
  for (const KeyRow& row : keys()) {
    if (row.section.empty()) out.emplace_back(row.name);
  }
  return out;
}

// "; did you mean dkim.min_rsa_bits?", or the keys of the section.
std::string hint_for_key(const Section* section, const std::string& name) {
  const std::vector<std::string> here = names_in(section);
  if (const std::string meant = nearest(name, here); !meant.empty()) {
    return "; did you mean " + meant + "?";
  }
  for (const KeyRow& row : keys()) {
    if (row.name == name) return "; did you mean " + row.path() + "?";
  }
  std::string list;
  for (const std::string& each : here) list += (list.empty() ? "" : ", ") + each;
  return section == nullptr ? "" : "; here may stand: " + list;
}

std::string hint_for_section(const std::string& name) {
  std::vector<std::string> candidates;
  for (const Section& section : sections()) candidates.emplace_back(section.name);
  const std::string meant = nearest(name, candidates);
  if (!meant.empty()) return "; did you mean [" + meant + "]?";
  std::string list;
  for (const std::string& each : candidates) list += (list.empty() ? "" : ", ") + each;
  return "; the sections are: " + list;
}

// The keys of an entry. Those of rules have a dot in their names, and TOML makes a table of them:
// spf.fail = "tag".
std::vector<std::pair<std::string, const Entry*>> keys_of_entry(const Section& section,
                                                                const Value& table) {
  std::vector<std::pair<std::string, const Entry*>> out;
  for (const Entry& entry : table.entries) {
    if (section.repeated->rules.empty() || entry.value.kind != Value::Kind::table) {
      out.emplace_back(entry.key, &entry);
      continue;
    }
    for (const Entry& inner : entry.value.entries) {
      out.emplace_back(std::string(entry.key).append(".").append(inner.key), &inner);
    }
  }
  return out;
}

class Loader {
 public:
  explicit Loader(ValueFiles files = ValueFiles::read) {
    reader_.skip_value_files = files == ValueFiles::skip;
  }
  void read_file(const std::string& path, const Place& included_at, std::size_t nesting);
  void read_text(std::string_view text, const std::string& name, std::size_t nesting);
  Expected<Loaded, std::vector<Finding>> finish();
  // After finish() has found `errors`: the socket that is given, if that is not what is wrong.
  std::optional<std::string> given_socket(const std::vector<Finding>& errors) const {
    const auto given = given_.find("control.socket");
    if (given == given_.end()) return std::nullopt;
    const bool wrong = std::any_of(errors.begin(), errors.end(), [&](const Finding& each) {
      return each.place.file == given->second.file && each.place.line == given->second.line;
    });
    return wrong ? std::nullopt : std::optional(settings_.control.socket);
  }

 private:
  void read_includes(const Value& document, std::size_t nesting);
  void include(const Item& pattern, std::size_t nesting);
  void apply_top(const Entry& entry);
  void apply_section(const Section& section, const Value& table);
  void apply_repeated(const Section& section, const Value& tables);
  void apply_entry(const Section& section, const Value& table);
  void unknown_key(const Section* section, const Entry& entry, const std::string& name);

  Reader reader_;
  Settings settings_;
  std::vector<Value> documents_;
  // Entries that start from the rules for everybody, and are applied after these.
  std::vector<std::pair<const Section*, const Value*>> entries_with_rules_;
  std::map<std::string, Place> given_;          // keys that may be given once
  std::map<std::string, Place> included_from_;  // canonical path, where it was asked for
};

void Loader::read_file(const std::string& path, const Place& included_at, std::size_t nesting) {
  const auto [first, fresh] = included_from_.emplace(canonical(path), included_at);
  if (!fresh) {
    reader_.error(included_at, path + " is included in a loop or twice; first " +
                                   (first->second.line == 0 ? "as the configuration itself"
                                                            : "at " + first->second.text()));
    return;
  }
  const auto text = reader_.read_file(path);
  if (!text) {
    const bool top = included_at.line == 0;
    reader_.error(top ? Place{path, 0, 0} : included_at,
                  (top ? "" : path + ": ") + text.error().what);
    return;
  }
  read_text(*text, path, nesting);
}

void Loader::read_text(std::string_view text, const std::string& name, std::size_t nesting) {
  auto document = parse_document(text, name);
  if (!document) {
    for (const Finding& finding : document.error()) reader_.error(finding.place, finding.message);
    return;
  }
  documents_.push_back(*document);
  read_includes(*document, nesting);
}

void Loader::read_includes(const Value& document, std::size_t nesting) {
  const Value* value = document.find("include");
  if (value == nullptr) return;
  if (nesting >= max_include_nesting) {
    reader_.error(value->place,
                  "includes are nested more than " + std::to_string(max_include_nesting) + " deep");
    return;
  }
  for (const Item& pattern : reader_.items("include", *value)) include(pattern, nesting);
}

void Loader::include(const Item& pattern, std::size_t nesting) {
  const std::string path = relative_to(pattern.place, pattern.text);
  if (path.find_first_of("*?[") == std::string::npos) {
    read_file(path, pattern.place, nesting + 1);
    return;
  }
  for (const std::string& file : files_of(path)) read_file(file, pattern.place, nesting + 1);
}

void Loader::unknown_key(const Section* section, const Entry& entry, const std::string& name) {
  const std::string place = section == nullptr ? "" : std::string(section->name) + ".";
  reader_.error(entry.place,
                "unknown key " + place + escape_for_log(name, 64) + hint_for_key(section, name));
}

void Loader::apply_top(const Entry& entry) {
  if (entry.key == "include") return;
  const Section* section = find_section(entry.key);
  const bool many = entry.value.kind == Value::Kind::array;
  if (section == nullptr) {
    const bool table = entry.value.kind == Value::Kind::table ||
                       (many && !entry.value.items.empty() &&
                        entry.value.items.front().kind == Value::Kind::table);
    if (!table) return unknown_key(nullptr, entry, entry.key);
    reader_.error(entry.place, "unknown section [" + escape_for_log(entry.key, 64) + "]" +
                                   hint_for_section(entry.key));
    return;
  }
  const std::string name(section->name);
  if (section->repeated && many) return apply_repeated(*section, entry.value);
  if (!section->repeated && entry.value.kind == Value::Kind::table) {
    return apply_section(*section, entry.value);
  }
  reader_.error(entry.place, section->repeated
                                 ? "write [[" + name + "]]: there may be several"
                                 : "write [" + name + "]: there is only one such section");
}

void Loader::apply_section(const Section& section, const Value& table) {
  for (const Entry& entry : table.entries) {
    const KeyRow* row = section.find(entry.key);
    if (row == nullptr) {
      unknown_key(&section, entry, entry.key);
      continue;
    }
    const std::string path = row->path();
    const auto [first, fresh] = given_.emplace(path, entry.place);
    if (!fresh) {
      reader_.error(entry.place, path + " is given twice; the first is at " + first->second.text() +
                                     ": remove one of them");
      continue;
    }
    reader_.remember(path, entry.place);
    row->slot.read(path, entry.value, settings_, reader_);
  }
}

void Loader::apply_repeated(const Section& section, const Value& tables) {
  for (const Value& table : tables.items) {
    if (table.kind != Value::Kind::table) {
      reader_.error(table.place, "write [[" + std::string(section.name) + "]] and its keys below");
    } else if (section.repeated->rules.empty()) {
      apply_entry(section, table);
    } else {
      entries_with_rules_.emplace_back(&section, &table);
    }
  }
}

// One entry of a repeated section.
void Loader::apply_entry(const Section& section, const Value& table) {
  const Repeated& repeated = *section.repeated;
  const std::size_t number = repeated.all(settings_).size() + 1;
  const std::string name = std::string(section.name) + "[" + std::to_string(number) + "]";
  reader_.remember(name, table.place);
  AnyEntry made = repeated.make(settings_);
  for (const auto& [key, entry] : keys_of_entry(section, table)) {
    const std::string path = std::string(name).append(".").append(key);
    reader_.remember(path, entry->place);
    if (const KeyRow* row = section.find(key)) {
      row->entry.read(path, entry->value, made, reader_);
    } else {
      unknown_key(&section, *entry, key);
    }
  }
  repeated.add(settings_, std::move(made));
}

// A digest of the effective settings: to distinguish snapshots in logs, not a protection.
std::string digest_of(const Settings& settings) {
  Fnv hash;
  hash.add(dump(settings));
  // The hidden zones count too; a hash of 64 bits reveals no key.
  for (const auto& list : settings.client.lists) hash.add(list.list.zone + list.list.codes.text());
  return hash.hex();
}

Expected<Loaded, std::vector<Finding>> Loader::finish() {
  for (const Value& document : documents_) {
    for (const Entry& entry : document.entries) apply_top(entry);
  }
  for (const auto& [section, table] : entries_with_rules_) apply_entry(*section, *table);
  complete(settings_, reader_);
  check_across(settings_, reader_);
  std::vector<Finding> findings = std::move(reader_.findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
  if (any_error(findings)) return tl::unexpected(std::move(findings));
  std::string digest = digest_of(settings_);
  return Loaded{std::move(settings_), std::move(findings), std::move(digest),
                std::move(reader_.files), reader_.places()};
}

}  // namespace

Expected<Loaded, std::vector<Finding>> load_file(const std::string& path, ValueFiles files) {
  Loader loader(files);
  loader.read_file(path, {}, 0);
  return loader.finish();
}

Expected<Loaded, std::vector<Finding>> load_text(std::string_view text, const std::string& name) {
  Loader loader;
  loader.read_text(text, name, 0);
  return loader.finish();
}

Expected<std::string, std::vector<Finding>> control_socket(const std::string& path) {
  Loader loader(ValueFiles::skip);
  loader.read_file(path, {}, 0);
  auto loaded = loader.finish();
  if (loaded) return std::move(loaded->settings.control.socket);
  if (auto given = loader.given_socket(loaded.error())) return std::move(*given);
  return tl::unexpected(std::move(loaded.error()));
}

}  // namespace sekisho::config
