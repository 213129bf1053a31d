#include "config/load.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include <glob.h>

#include "base/encoding.h"
#include "config/accounts.h"
#include "config/checks.h"
#include "config/document.h"
#include "config/dump.h"
#include "config/host_mta.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/suggest.h"

namespace sekisho::config {
namespace {

// Deeper nesting of includes is no configuration that a person follows.
constexpr std::size_t max_include_nesting = 8;

// The files that a pattern means, sorted by octets and not by the locale.
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

const KeyRow* find_row(std::string_view section, std::string_view name) {
  for (const KeyRow& row : keys()) {
    if (row.section == section && row.name == name) return &row;
  }
  return nullptr;
}

// A row whose key stands in a [[policy]] under this name.
const KeyRow* find_policy_row(std::string_view name) {
  for (const KeyRow& row : keys()) {
    if (!row.in_policy.empty() && row.in_policy == name) return &row;
  }
  return find_row("policy", name);
}

std::vector<std::string> names_in(std::string_view section) {
  std::vector<std::string> out;
  for (const KeyRow& row : keys()) {
    if (row.section == section) out.emplace_back(row.name);
    if (section == "policy" && !row.in_policy.empty()) out.emplace_back(row.in_policy);
  }
  return out;
}

// "; did you mean dkim.min_rsa_bits?", or what the section takes.
std::string hint_for_key(std::string_view section, const std::string& name) {
  const std::vector<std::string> here = names_in(section);
  if (const std::string meant = nearest(name, here); !meant.empty()) {
    return "; did you mean " + meant + "?";
  }
  for (const KeyRow& row : keys()) {
    if (row.name == name) return "; did you mean " + row.path() + "?";
  }
  std::string list;
  for (const std::string& each : here) list += (list.empty() ? "" : ", ") + each;
  return section.empty() ? "" : "; here may stand: " + list;
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

class Loader {
 public:
  explicit Loader(ValueFiles lists = ValueFiles::read) {
    reader_.skip_value_files = lists == ValueFiles::skip;
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
  void apply_repeated(const Section& section, const Value& list);
  template <class Owner>
  void apply_entry(const Section& section, const std::string& name, const Value& table,
                   Owner& owner);
  void apply_milter(const Section& section, const Value& table);
  void apply_list(const Section& section, client::DnsListKind kind, const Value& table);
  void apply_policy(const Value& table);
  bool apply_policy_key(const std::string& name, const Entry& entry, const std::string& path,
                        policy::RecipientRules& rules);
  void unknown_key(std::string_view section, const Entry& entry, const std::string& name);

  Reader reader_;
  Settings settings_;
  std::vector<Value> documents_;
  std::vector<const Value*> policies_;          // applied last: they start from the defaults
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

void Loader::unknown_key(std::string_view section, const Entry& entry, const std::string& name) {
  const std::string shown = escape_for_log(name, 64);
  reader_.error(entry.place, "unknown key " +
                                 (section.empty() ? shown : std::string(section) + "." + shown) +
                                 hint_for_key(section, name));
}

void Loader::apply_top(const Entry& entry) {
  if (entry.key == "include") return;
  const Section* section = find_section(entry.key);
  const bool many = entry.value.kind == Value::Kind::list;
  if (section == nullptr) {
    const bool table = entry.value.kind == Value::Kind::table ||
                       (many && !entry.value.items.empty() &&
                        entry.value.items.front().kind == Value::Kind::table);
    if (!table) return unknown_key("", entry, entry.key);
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
    const KeyRow* row = find_row(section.name, entry.key);
    if (row == nullptr) {
      unknown_key(section.name, entry, entry.key);
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
    if (const auto* slot = std::get_if<Slot<Settings>>(&row->slot)) {
      slot->read(path, entry.value, settings_, reader_);
    } else if (const auto* rule = std::get_if<Slot<policy::Rules>>(&row->slot)) {
      rule->read(path, entry.value, settings_.rules.defaults, reader_);
    }
  }
}

void Loader::apply_repeated(const Section& section, const Value& list) {
  for (const Value& table : list.items) {
    if (table.kind != Value::Kind::table) {
      reader_.error(table.place, "write [[" + std::string(section.name) + "]] and its keys below");
    } else if (section.name == "milter") {
      apply_milter(section, table);
    } else if (const auto kind = list_kind(section.name)) {
      apply_list(section, *kind, table);
    } else {
      policies_.push_back(&table);
    }
  }
}

// One entry of a section that may stand several times, into its owner.
template <class Owner>
void Loader::apply_entry(const Section& section, const std::string& name, const Value& table,
                         Owner& owner) {
  reader_.remember(name, table.place);
  for (const Entry& entry : table.entries) {
    const KeyRow* row = find_row(section.name, entry.key);
    if (row == nullptr) {
      unknown_key(section.name, entry, entry.key);
      continue;
    }
    const std::string path = std::string(name).append(".").append(entry.key);
    reader_.remember(path, entry.place);
    std::get<Slot<Owner>>(row->slot).read(path, entry.value, owner, reader_);
  }
}

void Loader::apply_milter(const Section& section, const Value& table) {
  milter::Options& milter = settings_.milters.emplace_back();
  apply_entry(section, "milter[" + std::to_string(settings_.milters.size()) + "]", table, milter);
}

void Loader::apply_list(const Section& section, client::DnsListKind kind, const Value& table) {
  const auto& lists = settings_.client.lists;
  const auto before = std::count_if(lists.begin(), lists.end(),
                                    [&](const auto& list) { return list.kind == kind; });
  DnsListEntry entry;
  entry.definition.kind = kind;
  apply_entry(section, std::string(section.name) + "[" + std::to_string(before + 1) + "]", table,
              entry);
  add_list(settings_, std::move(entry));
}

void Loader::apply_policy(const Value& table) {
  policy::RecipientRules rules;
  rules.rules = settings_.rules.defaults;
  const std::string name = "policy[" + std::to_string(settings_.rules.policies.size() + 1) + "]";
  reader_.remember(name, table.place);
  bool sets_something = false;
  for (const Entry& entry : table.entries) {
    if (entry.value.kind != Value::Kind::table) {
      const std::string path = std::string(name).append(".").append(entry.key);
      sets_something |= apply_policy_key(entry.key, entry, path, rules);
      continue;
    }
    for (const Entry& inner : entry.value.entries) {
      std::string key = entry.key;
      key.append(".").append(inner.key);
      sets_something |=
          apply_policy_key(key, inner, std::string(name).append(".").append(key), rules);
    }
  }
  if (!sets_something) {
    reader_.warning(table.place,
                    "the entry sets nothing: its recipients have the rules of everybody");
  }
  settings_.rules.policies.push_back(std::move(rules));
}

// Whether the key is a rule, right or wrong.
bool Loader::apply_policy_key(const std::string& name, const Entry& entry, const std::string& path,
                              policy::RecipientRules& rules) {
  const KeyRow* row = find_policy_row(name);
  if (row == nullptr) {
    unknown_key("policy", entry, name);
    return true;
  }
  reader_.remember(path, entry.place);
  if (const auto* to = std::get_if<Slot<policy::RecipientRules>>(&row->slot)) {
    to->read(path, entry.value, rules, reader_);
    return false;
  }
  std::get<Slot<policy::Rules>>(row->slot).read(path, entry.value, rules.rules, reader_);
  return true;
}

// FNV-1a of the effective settings: tells snapshots apart in logs, and protects nothing.
std::string digest_of(const Settings& settings) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  std::string text = dump(settings);
  // A zone that is not shown makes a difference too; a hash of 64 bits gives no key away.
  for (const auto& list : settings.client.lists) text += list.list.zone + list.list.codes.text();
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  std::string octets;
  for (int shift = 56; shift >= 0; shift -= 8) octets += static_cast<char>(hash >> shift & 0xff);
  return hex_encode(octets);
}

Expected<Loaded, std::vector<Finding>> Loader::finish() {
  for (const Value& document : documents_) {
    for (const Entry& entry : document.entries) apply_top(entry);
  }
  for (const Value* policy : policies_) apply_policy(*policy);
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

// The sockets of the milters as one text, for comparison.
std::string milters_text(const Settings& settings) {
  std::string out;
  for (const milter::Options& milter : settings.milters) {
    for (const KeyRow& row : keys()) {
      const auto* slot = std::get_if<Slot<milter::Options>>(&row.slot);
      if (slot != nullptr) out += slot->show(milter) + "\n";
    }
  }
  return out;
}

}  // namespace

Expected<Loaded, std::vector<Finding>> load_file(const std::string& path, ValueFiles lists) {
  Loader loader(lists);
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

std::vector<Finding> problems(const Loaded& loaded, const std::string& name, bool as_root) {
  std::vector<Finding> out;
  if (loaded.settings.milters.empty()) {
    out.push_back(
        {Finding::Level::error,
         {name, 0, 0},
         "no [[milter]]: the daemon would listen nowhere; add [[milter]] and its socket"});
  }
  find_unknown_accounts(loaded, name, as_root, out);
  find_rewriting_mta(loaded, name, out);
  return out;
}

bool any_error(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& each) { return each.level == Finding::Level::error; });
}

std::vector<std::string> reload_needs_restart(const Settings& running, const Settings& loaded) {
  std::vector<std::string> out;
  for (const KeyRow& row : keys()) {
    const auto* slot = std::get_if<Slot<Settings>>(&row.slot);
    if (slot == nullptr || row.reload == Reload::live) continue;
    if (slot->show(running) != slot->show(loaded)) out.push_back(row.path());
  }
  if (milters_text(running) != milters_text(loaded)) out.emplace_back("milter");
  return out;
}

Settings keep_until_restart(const Settings& running, Settings loaded) {
  loaded.milters = running.milters;
  loaded.control = running.control;
  loaded.metrics = running.metrics;
  loaded.process = running.process;
  loaded.history.dir = running.history.dir;
  loaded.session.identity.seal_file = running.session.identity.seal_file;
  const std::string route = std::move(loaded.quarantine.release_via);
  loaded.quarantine = running.quarantine;
  loaded.quarantine.release_via = route;
  return loaded;
}

}  // namespace sekisho::config
