#include "config/sizes.h"

#include <charconv>

namespace sekisho::config {
namespace {

constexpr std::string_view units = "KMGT";

}  // namespace

Expected<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t octets = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), octets);
  if (error != std::errc()) return parse_error("expected a size as \"512M\" or \"2G\"");
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.empty()) return octets;
  const auto power = unit.size() == 1 ? units.find(unit.front()) : std::string_view::npos;
  if (power == std::string_view::npos) return parse_error("the unit must be K, M, G or T");
  const auto shift = 10 * (power + 1);
  if (octets > (UINT64_MAX >> shift)) return parse_error("the size is too large");
  return octets << shift;
}

std::string show_size(std::uint64_t octets) {
  std::string unit;
  for (const char next : units) {
    if (octets == 0 || octets % 1024 != 0) break;
    octets /= 1024;
    unit = next;
  }
  return std::to_string(octets) + unit;
}

Type<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
  const std::string bounds = "a size from " + show_size(least) + " to " + show_size(most);
  return {
      bounds,
      [=](const std::string& key, const Value& value, std::uint64_t& slot, Reader& reader) {
        if (value.kind != Value::Kind::text) {
          reader.error(value.place, key + " must be " + bounds + ", as text: \"2G\"");
          return;
        }
        const auto read = parse_size(value.text);
        if (!read) {
          reader.error(value.place, key + " = " + toml_text(value.text) + ": " + read.error().what);
        } else if (*read < least || *read > most) {
          reader.error(value.place, key + " = " + toml_text(value.text) + ": must be " + bounds);
        } else {
          slot = *read;
        }
      },
      [](const std::uint64_t& slot) { return toml_text(show_size(slot)); }};
}

}  // namespace sekisho::config
