#include "config/document.h"

#include <algorithm>
#include <optional>

#include <toml++/toml.h>

#include "base/encoding.h"

namespace sekisho::config {
namespace {

// Our documents need four; more is a mistake, and the reader is recursive.
constexpr int max_nesting = 12;

Place place_of(const toml::source_region& source, const std::string& name) {
  return {name, source.begin.line, source.begin.column};
}

Value convert(const toml::node& node, const std::string& name, int nesting,
              std::vector<Finding>& findings);

void convert_table(const toml::table& table, const std::string& name, int nesting,
                   std::vector<Finding>& findings, Value& out) {
  for (const auto& [key, node] : table) {
    out.entries.push_back({std::string(key.str()), place_of(key.source(), name),
                           convert(node, name, nesting + 1, findings)});
  }
  // toml++ sorts by name; findings and joined arrays need the order of the file.
  std::stable_sort(out.entries.begin(), out.entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
}

Value convert(const toml::node& node, const std::string& name, int nesting,
              std::vector<Finding>& findings) {
  Value out;
  out.place = place_of(node.source(), name);
  if (nesting > max_nesting) {
    findings.push_back({Finding::Level::error, out.place, "nested too deeply"});
    return out;
  }
  if (const auto* table = node.as_table()) {
    out.kind = Value::Kind::table;
    convert_table(*table, name, nesting, findings, out);
  } else if (const auto* array = node.as_array()) {
    out.kind = Value::Kind::array;
    for (const toml::node& item : *array) {
      out.items.push_back(convert(item, name, nesting + 1, findings));
    }
  } else if (const auto* text = node.as_string()) {
    out.kind = Value::Kind::text;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = Value::Kind::integer;
    out.integer = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = Value::Kind::boolean;
    out.boolean = boolean->get();
  } else {
    out.kind = node.is_floating_point() ? Value::Kind::real : Value::Kind::time;
  }
  return out;
}

// The part of a text before a line, counted from 1.
std::string_view before_line(std::string_view text, std::size_t line) {
  std::size_t end = 0;
  for (std::size_t at = 1; at < line; ++at) {
    const std::size_t next = text.find('\n', end);
    if (next == std::string_view::npos) break;
    end = next + 1;
  }
  return text.substr(0, end);
}

// The first place of `key`, for the error at the second one: the text up to the line of the second
// is parsed as a document, and its last table is the one with both.
std::optional<Place> first_place(std::string_view text, const std::string& name,
                                 std::string_view key, std::size_t second_line) {
  toml::table earlier;
  try {
    earlier = toml::parse(before_line(text, second_line));
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
  std::optional<Place> found;
  std::vector<const toml::node*> open{&earlier};
  while (!open.empty()) {
    const toml::node* node = open.back();
    open.pop_back();
    if (const auto* array = node->as_array()) {
      for (const toml::node& item : *array) open.push_back(&item);
    }
    if (const auto* table = node->as_table()) {
      for (const auto& [name_of_node, value] : *table) {
        open.push_back(&value);
        const Place place = place_of(name_of_node.source(), name);
        if (name_of_node.str() == key && (!found || place.line > found->line)) found = place;
      }
    }
  }
  return found;
}

// The message of toml++, with advice. For "cannot redefine existing string 'key'" also the place of
// the first.
std::string explain_syntax(std::string message, std::string_view text, const Place& place) {
  const std::size_t end = message.rfind('\'');
  const bool twice = message.find("redefine") != std::string::npos && end != std::string::npos;
  if (!twice || end == 0) {
    if (message.find("integer") == std::string::npos &&
        message.find("value") == std::string::npos) {
      return message;
    }
    return message + " (texts, addresses and durations stand in double quotes)";
  }
  std::string key = message.substr(0, end);
  key.erase(0, key.find_last_of("'.") + 1);
  const std::optional<Place> first = first_place(text, place.file, key, place.line);
  return "'" + key + "' is given twice" +
         (first ? "; the first is at " + first->text() : std::string()) + ": remove one of them";
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string_view describe(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::text:
      return "a string";
    case Value::Kind::integer:
      return "a number";
    case Value::Kind::real:
      return "a fraction";
    case Value::Kind::boolean:
      return "true or false";
    case Value::Kind::time:
      return "a date or time";
    case Value::Kind::array:
      return "a list";
    case Value::Kind::table:
      return "a table";
  }
  return "";
}

Expected<Value, std::vector<Finding>> parse_document(std::string_view text,
                                                     const std::string& name) {
  std::vector<Finding> findings;
  try {
    Value top = convert(toml::parse(text, name), name, 0, findings);
    if (findings.empty()) return top;
  } catch (const toml::parse_error& error) {
    const Place place = place_of(error.source(), name);
    findings.push_back({Finding::Level::error, place,
                        explain_syntax(escape_for_log(error.description()), text, place)});
  }
  return tl::unexpected(std::move(findings));
}

std::string toml_text(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += "\\u00";
      out += hex[octet >> 4];
      out += hex[octet & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace sekisho::config
