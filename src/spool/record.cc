#include "spool/record.h"

#include <algorithm>
#include <charconv>

namespace sekisho::spool {

namespace {

// The program has no longer names.
constexpr std::size_t name_octets = 32;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_octets &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

// Removes "name 5\n" from the start of `rest`; returns the name, and the length of the value.
std::optional<std::pair<std::string_view, std::size_t>> take_head(std::string_view& rest) {
  const auto line_end = rest.find('\n');
  if (line_end == std::string_view::npos) return std::nullopt;
  const auto line = rest.substr(0, line_end);
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos || !is_name(line.substr(0, blank))) return std::nullopt;
  const auto digits = line.substr(blank + 1);
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  // Only one spelling of a number is accepted, so that octets() gives back the parsed text.
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  rest.remove_prefix(line_end + 1);
  return std::pair{line.substr(0, blank), count};
}

}  // namespace

Record& Record::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
  return *this;
}

std::string_view Record::get(std::string_view name) const {
  for (const auto& [own, value] : fields_) {
    if (own == name) return value;
  }
  return {};
}

std::vector<std::string> Record::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [own, value] : fields_) {
    if (own == name) values.push_back(value);
  }
  return values;
}

std::string Record::octets() const {
  std::string text;
  for (const auto& [name, value] : fields_) {
    text += name;
    text += ' ';
    text += std::to_string(value.size());
    text += '\n';
    text += value;
    text += '\n';
  }
  return text;
}

std::optional<Record> Record::parse(std::string_view octets) {
  Record record;
  while (!octets.empty()) {
    const auto head = take_head(octets);
    if (!head) return std::nullopt;
    const auto& [name, count] = *head;
    if (count >= octets.size() || octets[count] != '\n') return std::nullopt;
    record.add(name, octets.substr(0, count));
    octets.remove_prefix(count + 1);
  }
  return record;
}

}  // namespace sekisho::spool
