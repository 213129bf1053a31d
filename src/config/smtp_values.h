// config/smtp_values.h: the types of values of the SMTP core: routes, networks with exceptions,
// sources of users, and tables of keys in one value.
// Errors: as in values.h. Thread: immutable values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "accounts/options.h"
#include "base/encoding.h"
#include "config/key_rows.h"
#include "mail/prefix_set.h"
#include "relay/via.h"
#include "smtp/options.h"
#include "tls/options.h"

namespace sekisho::config {

// --- tables --------------------------------------------------------------------------------------

template <class Owner>
struct Field {
  std::string name;
  Slot<Owner> slot;  // shows nothing if the field is not set
};

template <class Owner>
std::string show_table(const std::vector<Field<Owner>>& fields, const Owner& owner) {
  std::string out;
  for (const auto& field : fields) {
    const std::string value = field.slot.show(owner);
    if (value.empty()) continue;
    out.append(out.empty() ? "" : ", ").append(field.name).append(" = ").append(value);
  }
  return "{" + out + "}";
}

// The end of a finding on an unknown key of a table.
std::string hint_for_field(const std::string& name, const std::vector<std::string>& known);

template <class Owner>
void read_table(const std::vector<Field<Owner>>& fields, const std::string& key, const Value& value,
                Owner& owner, Reader& reader) {
  if (value.kind != Value::Kind::table) {
    return reader.error(value.place, key + " must be a table, {" + fields.front().name +
                                         " = …}, not " + std::string(describe(value.kind)));
  }
  for (const Entry& entry : value.entries) {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto& field) { return field.name == entry.key; });
    const std::string path = key + "." + entry.key;
    if (found != fields.end()) {
      reader.remember(path, entry.place);
      found->slot.read(path, entry.value, owner, reader);
      continue;
    }
    std::vector<std::string> names;
    for (const auto& field : fields) names.push_back(field.name);
    reader.error(entry.place, "unknown key " + key + "." + escape_for_log(entry.key, 64) +
                                  hint_for_field(entry.key, names));
  }
}

// {connections = 5}
template <class Owner>
Type<Owner> table_of(std::string expects, std::vector<Field<Owner>> fields) {
  return {std::move(expects),
          [fields](const std::string& key, const Value& value, Owner& slot, Reader& reader) {
            read_table(fields, key, value, slot, reader);
          },
          [fields](const Owner& slot) { return show_table(fields, slot); }};
}

// [{certificate = "a", key = "b"}]
template <class Owner>
Type<std::vector<Owner>> tables_of(std::string expects, std::vector<Field<Owner>> fields) {
  return {std::move(expects),
          [fields](const std::string& key, const Value& value, std::vector<Owner>& slot,
                   Reader& reader) {
            if (value.kind != Value::Kind::array) {
              return reader.error(value.place, key + " must be a list of tables, not " +
                                                   std::string(describe(value.kind)));
            }
            slot.clear();
            for (const Value& each : value.items) {
              const std::string name = key + "[" + std::to_string(slot.size()) + "]";
              reader.remember(name, each.place);
              read_table(fields, name, each, slot.emplace_back(), reader);
            }
          },
          [fields](const std::vector<Owner>& slot) {
            std::vector<std::string> elements;
            elements.reserve(slot.size());
            for (const Owner& each : slot) elements.push_back(show_table(fields, each));
            return show_array(elements);
          }};
}

// A value that may be missing.
template <class T>
Type<std::optional<T>> maybe(Type<T> type) {
  return {
      type.expects,
      [type](const std::string& key, const Value& value, std::optional<T>& slot, Reader& reader) {
        T read = slot.value_or(T{});
        const std::size_t findings = reader.findings.size();
        type.read(key, value, read, reader);
        if (reader.findings.size() == findings) slot = std::move(read);
      },
      [type](const std::optional<T>& slot) { return slot ? type.show(*slot) : std::string(); },
      type.words};
}

// --- texts ---------------------------------------------------------------------------------------

// Like text(), with the place of the value.
using CheckPlaced = std::function<Expected<std::string>(std::string_view, const Place&)>;
Type<std::string> placed_text(std::string expects, const CheckPlaced& check);

// "KIND:PATH", with one of these kinds; a relative path starts from the folder of the file.
Type<std::string> path_by_kind(const std::vector<std::string>& kinds);

// A list of files with a syntax of their own: not those of "file:PATH", which hold the values of a
// key.
Type<std::vector<std::string>> paths();

// ADDRESS:PORT, one or several.
Type<std::vector<std::string>> listen_addresses();
Expected<std::string> check_proxy(std::string_view text);
Expected<std::string> check_login(std::string_view text);
Expected<std::string> check_mailbox(std::string_view text);
Expected<std::string> check_delimiter(std::string_view text);
Expected<std::string> check_tag(std::string_view text);
Expected<std::string> check_v4(std::string_view text);
Expected<std::string> check_v6(std::string_view text);  // may have a scope, "fe80::1%eth0"

// --- networks and routes -------------------------------------------------------------------------

Type<mail::PrefixSet> prefix_set();
Type<std::vector<std::string>> permit_networks();
Type<std::vector<std::string>> route_domains();
Type<std::vector<mail::IpAddress>> addresses();
Type<relay::Via> via();
// Empty: none.
Type<std::optional<relay::Recipients>> recipients_of_route();

Type<std::vector<std::chrono::seconds>> durations(std::chrono::milliseconds least,
                                                  std::chrono::milliseconds most);

}  // namespace sekisho::config
