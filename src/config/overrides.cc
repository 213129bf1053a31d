// [dmarc] overrides: tables in the configuration, or the lines of a file.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "config/values.h"

namespace sekisho::config {
namespace {

using policy::DmarcOverride;

const std::vector<std::string> fields{"domain", "reject", "quarantine", "temperror"};

template <class Enum>
void read_word(const std::string& key, const Value& value, std::optional<Enum>& slot,
               Reader& reader) {
  const auto words = all_words<Enum>();
  const std::size_t found = read_choice(key, value, words, reader);
  if (found < words.size()) slot = all_values<Enum>()[found];
}

// One field of an entry besides its domain.
void read_field(const std::string& key, const Entry& field, DmarcOverride& out, Reader& reader) {
  const std::string path = key + "." + field.key;
  if (field.key == "reject") {
    read_word(path, field.value, out.reject, reader);
  } else if (field.key == "quarantine") {
    read_word(path, field.value, out.quarantine, reader);
  } else if (field.key == "temperror") {
    read_word(path, field.value, out.temperror, reader);
  } else if (field.key != "domain") {
    const std::string meant = nearest(field.key, fields);
    reader.error(field.place,
                 "unknown key " + key + "." + escape_for_log(field.key, 64) +
                     (meant.empty() ? "; an entry takes domain, reject, quarantine, temperror"
                                    : "; did you mean " + meant + "?"));
  }
}

std::optional<DmarcOverride> read_entry(const std::string& key, const Value& entry,
                                        Reader& reader) {
  const Value* name = entry.find("domain");
  if (name == nullptr || name->kind != Value::Kind::text) {
    reader.error(entry.place, key + ": an entry needs a domain: {domain = \"example.com\", …}");
    return std::nullopt;
  }
  const auto domain = mail::DomainName::parse(name->text);
  if (!domain) {
    reader.error(name->place, key + ": " + toml_text(name->text) + ": " + domain.error().what);
    return std::nullopt;
  }
  DmarcOverride out{*domain, {}, {}, {}};
  for (const Entry& field : entry.entries) read_field(key, field, out, reader);
  if (entry.entries.size() == 1) {
    reader.error(entry.place, key + ": the entry of " + domain->text() +
                                  " sets nothing: add reject, quarantine or temperror");
  }
  return out;
}

//   line = domain 1*( 1*WSP name "=" word )
// The same table as in the configuration, so that both are read alike.
Value table_of_line(const Item& line) {
  Value table;
  table.kind = Value::Kind::table;
  table.place = line.place;
  std::size_t at = 0;
  while (at < line.text.size()) {
    const std::size_t begin = line.text.find_first_not_of(" \t", at);
    if (begin == std::string::npos) break;
    const std::size_t end = std::min(line.text.find_first_of(" \t", begin), line.text.size());
    const std::string word = line.text.substr(begin, end - begin);
    const Place place{line.place.file, line.place.line, line.place.column + begin};
    const std::size_t equals = table.entries.empty() ? std::string::npos : word.find('=');
    Value value;
    value.place = place;
    value.text = equals == std::string::npos ? word : word.substr(equals + 1);
    const std::string name = table.entries.empty() ? "domain" : word.substr(0, equals);
    table.entries.push_back({name, place, std::move(value)});
    at = end;
  }
  return table;
}

// The entries as tables, in whichever form they were written.
std::vector<Value> tables_of(const std::string& key, const Value& value, Reader& reader) {
  std::vector<Value> out;
  const auto add_file = [&](const Value& reference) {
    if (!reference.text.starts_with("file:")) {
      reader.error(reference.place, key + ": " +
                                        (reference.kind == Value::Kind::text
                                             ? toml_text(reference.text)
                                             : std::string(describe(reference.kind))) +
                                        ": write {domain = \"example.com\", reject = \"always\"} "
                                        "or \"file:PATH\"");
      return;
    }
    for (const Item& line : reader.read_value_file({reference.text, reference.place})) {
      out.push_back(table_of_line(line));
    }
  };
  if (value.kind == Value::Kind::text) {
    add_file(value);
  } else if (value.kind == Value::Kind::array) {
    for (const Value& entry : value.items) {
      if (entry.kind == Value::Kind::table) {
        out.push_back(entry);
      } else {
        add_file(entry);
      }
    }
  } else {
    reader.error(value.place, key + " must be a list of {domain = …} entries or \"file:PATH\"");
  }
  return out;
}

void read_overrides(const std::string& key, const Value& value, std::vector<DmarcOverride>& slot,
                    Reader& reader) {
  slot.clear();
  std::map<mail::DomainName, Place> seen;
  for (const Value& table : tables_of(key, value, reader)) {
    const auto entry = read_entry(key, table, reader);
    if (!entry) continue;
    const auto [first, fresh] = seen.emplace(entry->domain, table.place);
    if (!fresh) {
      reader.error(table.place, key + ": " + entry->domain.text() +
                                    " is given twice; the first is at " + first->second.text() +
                                    ": remove one of them");
    }
    reader.remember(key + "[" + std::to_string(slot.size()) + "]", table.place);
    slot.push_back(*entry);
  }
}

std::string show_entry(const DmarcOverride& entry) {
  std::string out = "{domain = " + toml_text(entry.domain.text());
  if (entry.reject) out += ", reject = " + toml_word(*entry.reject);
  if (entry.quarantine) out += ", quarantine = " + toml_word(*entry.quarantine);
  if (entry.temperror) out += ", temperror = " + toml_word(*entry.temperror);
  return out + "}";
}

}  // namespace

Type<std::vector<DmarcOverride>> overrides() {
  return {"a list of {domain, reject, quarantine, temperror} entries", read_overrides,
          [](const std::vector<DmarcOverride>& slot) {
            std::vector<std::string> elements;
            elements.reserve(slot.size());
            for (const DmarcOverride& each : slot) elements.push_back(show_entry(each));
            return show_array(elements);
          }};
}

}  // namespace sekisho::config
