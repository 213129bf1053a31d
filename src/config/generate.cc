#include "config/generate.h"

#include <algorithm>
#include <string_view>

#include "config/keys.h"

namespace sekisho::config {
namespace {

constexpr std::size_t example_width = 98;
constexpr std::size_t man_width = 78;

// Text as lines that begin with `prefix`, broken between words.
std::string wrap(std::string_view text, std::string_view prefix, std::size_t width) {
  std::string out;
  std::string line(prefix);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (line.size() > prefix.size() && line.size() + 1 + end > width) {
      out += line + "\n";
      line = prefix;
    }
    if (line.size() > prefix.size()) line += ' ';
    line += text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + line + "\n";
}

std::string comment(std::string_view text) { return wrap(text, "# ", example_width); }

std::string shown_value(const KeyRow& row) {
  return row.sample.empty() ? row.default_value() : std::string(row.sample);
}

// "Default: "5s". Type: a duration from … to …. Changes need a restart."
std::string facts(const KeyRow& row) {
  const std::string usual = row.default_value();
  const bool empty = usual == "\"\"" || usual == "[]";
  std::string out = row.required ? "Required. " : "Default: " + (empty ? "empty" : usual) + ". ";
  out += "Type: " + row.expects() + ".";
  if (row.reload == Reload::restart) out += " Changes need a restart.";
  return out;
}

std::string head(const Section& section) {
  const std::string name(section.name);
  return section.repeated ? "[[" + name + "]]" : "[" + name + "]";
}

// The sample has what every installation needs; the rest is commented out.
bool is_commented_out(const Section& section) {
  return section.repeated && std::none_of(section.keys.begin(), section.keys.end(),
                                          [](const KeyRow& row) { return row.in_example; });
}

std::string example_line(const KeyRow& row) {
  return (row.in_example ? "" : "#") + std::string(row.name) + " = " + shown_value(row) + "\n";
}

std::string example_section(const Section& section) {
  std::string out = "\n" + comment(section.text);
  out += (is_commented_out(section) ? "#" : "") + head(section) + "\n";
  for (const KeyRow& row : section.keys) {
    out += "\n" + comment(row.text) + comment(facts(row)) + example_line(row);
  }
  if (!section.repeated) return out;
  for (const KeyRow& row : section.repeated->rules) out += example_line(row);
  return out;
}

// Text of a mdoc page, each sentence on a line of its own: a backslash is written as an escape, and
// no line may begin like a request.
std::string mdoc(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '\\' ? std::string("\\e") : std::string(1, c);
  std::string out;
  for (std::size_t at = 0; at < escaped.size();) {
    const std::size_t stop = escaped.find(". ", at);
    const std::size_t end = stop == std::string::npos ? escaped.size() : stop + 1;
    out += wrap(std::string_view(escaped).substr(at, end - at), "", man_width);
    at = end + 1;
  }
  for (std::size_t at = 0; at < out.size(); at = out.find('\n', at) + 1) {
    if (out[at] == '.' || out[at] == '\'') out.insert(at, "\\&");
  }
  return out;
}

std::string mdoc_item(const KeyRow& row) {
  std::string out = ".It Va " + std::string(row.name) + "\n" + mdoc(row.text);
  out += mdoc(facts(row));
  if (!row.in_policy.empty()) {
    out += "May stand in a [[policy]], as\n.Va " + std::string(row.in_policy) + " .\n";
  }
  return out;
}

std::string mdoc_items(std::string_view section) {
  std::string out = ".Bl -tag -width Ds\n";
  for (const KeyRow& row : keys()) {
    if (row.section == section) out += mdoc_item(row);
  }
  return out + ".El\n";
}

}  // namespace

std::string example() {
  std::string out =
      comment("The configuration of sekishod, TOML: copy it to /etc/sekisho/milter.conf.") +
      comment(
          "What is commented out shows the default, or an example where the default says little.") +
      comment("See milter.conf(5). What is wrong with a file says: sekisho config check");
  for (const KeyRow& row : keys()) {
    if (!row.section.empty()) continue;
    out += "\n" + comment(row.text) + comment(facts(row)) + example_line(row);
  }
  for (const Section& section : sections()) out += example_section(section);
  return out;
}

std::string man_key_section() {
  std::string out = ".Ss Before the first section\n" + mdoc_items("");
  for (const Section& section : sections()) {
    out += ".Ss " + head(section) + "\n";
    out += mdoc(section.text) + mdoc_items(section.name);
  }
  return out;
}

}  // namespace sekisho::config
