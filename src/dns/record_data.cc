#include "dns/record_data.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace sekisho::dns {

namespace {

// The labels of a name in wire form, which takes the whole of `octets`; RFC 3597 §4 forbids
// compression.
std::optional<std::vector<std::string>> labels_of_wire(std::string_view octets) {
  std::vector<std::string> labels;
  while (!octets.empty()) {
    const auto length = static_cast<unsigned char>(octets.front());
    if (length == 0) return octets.size() == 1 ? std::optional(std::move(labels)) : std::nullopt;
    if (length > 63 || octets.size() <= length) return std::nullopt;
    labels.emplace_back(octets.substr(1, length));
    octets.remove_prefix(length + 1U);
  }
  return std::nullopt;
}

// The strings of a TXT in wire form.
std::optional<std::string> texts_of_wire(std::string_view octets) {
  if (octets.empty()) return std::nullopt;
  std::string joined;
  while (!octets.empty()) {
    const auto length = static_cast<unsigned char>(octets.front());
    if (octets.size() <= length) return std::nullopt;
    joined += octets.substr(1, length);
    octets.remove_prefix(length + 1U);
  }
  return joined;
}

template <std::size_t Count>
std::optional<std::array<std::uint8_t, Count>> array_of(std::string_view octets) {
  if (octets.size() != Count) return std::nullopt;
  std::array<std::uint8_t, Count> out{};
  std::copy(octets.begin(), octets.end(), out.begin());
  return out;
}

std::optional<unsigned> hex_digit(char c) {
  if (ascii::is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ascii::to_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::optional<Name> name_of(const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) {
    if (label.find('.') != label.npos) return std::nullopt;
    if (!text.empty()) text += '.';
    text += label;
  }
  return Name::from(text);
}

std::string target_text(const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) {
    if (!text.empty()) text += '.';
    for (const char c : label) {
      if (c == '.') {
        text += "\\046";
      } else if (c == '\\') {
        text += "\\092";
      } else {
        text += ascii::to_lower(c);
      }
    }
  }
  return text;
}

RecordData target_data(Type type, const std::vector<std::string>& labels) {
  if (type == Type::cname) return AliasData{name_of(labels), target_text(labels)};
  return target_text(labels);
}

std::optional<RecordData> data_of_wire(Type type, std::string_view octets) {
  switch (type) {
    case Type::a:
      if (const auto four = array_of<4>(octets)) return mail::IpAddress::v4(*four);
      return std::nullopt;
    case Type::aaaa:
      if (const auto all = array_of<16>(octets)) return mail::IpAddress::published_v6(*all);
      return std::nullopt;
    case Type::txt:
      if (auto text = texts_of_wire(octets)) return RecordData(std::move(*text));
      return std::nullopt;
    case Type::mx: {
      const auto labels = octets.size() < 3 ? std::nullopt : labels_of_wire(octets.substr(2));
      if (!labels) return std::nullopt;
      const auto high = static_cast<unsigned char>(octets[0]);
      const auto low = static_cast<unsigned char>(octets[1]);
      return Mx{static_cast<std::uint16_t>(high << 8 | low), target_text(*labels)};
    }
    case Type::cname:
    case Type::ptr:
      if (const auto labels = labels_of_wire(octets)) return target_data(type, *labels);
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> octets_of_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string octets;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    const auto high = hex_digit(digits[at]);
    const auto low = hex_digit(digits[at + 1]);
    if (!high || !low) return std::nullopt;
    octets += static_cast<char>(*high * 16 + *low);
  }
  return octets;
}

}  // namespace sekisho::dns
