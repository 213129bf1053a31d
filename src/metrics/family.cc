#include "metrics/family.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/utf8.h"

namespace sekisho::metrics {

namespace {

// Backslash and line feed, and the quotes of a label's value.
std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    const std::string_view octets = text.substr(0, character ? character->octets : 1);
    if (!character) {
      out += "\uFFFD";
    } else if (octets == "\\") {
      out += "\\\\";
    } else if (octets == "\n") {
      out += "\\n";
    } else if (octets == "\"" && quotes) {
      out += "\\\"";
    } else {
      out += octets;
    }
    text.remove_prefix(octets.size());
  }
  return out;
}

// The shortest text that reads as the same number.
std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 400> text{};  // the longest number without exponent has 309 digits
  const bool whole = std::trunc(value) == value && std::fabs(value) < 1e15;
  const auto format = whole ? std::chars_format::fixed : std::chars_format::general;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, format).ptr;
  return {text.data(), end};
}

void put_sample(std::string& out, const Family& family, const Sample& sample) {
  out += family.name + sample.suffix;
  char before = '{';
  for (const auto& [name, value] : sample.labels) {
    out += before + name + "=\"" + escaped(value, true) + '"';
    before = ',';
  }
  if (!sample.labels.empty()) out += '}';
  out += ' ' + number(sample.value) + '\n';
}

}  // namespace

Family& Family::add(Labels labels, double value) {
  samples.push_back({std::move(labels), value, {}});
  return *this;
}

Family counter(std::string name, std::string help, std::uint64_t value) {
  Family family(Family::Kind::counter, std::move(name), std::move(help));
  family.add(static_cast<double>(value));
  return family;
}

Family gauge(std::string name, std::string help, double value) {
  Family family(Family::Kind::gauge, std::move(name), std::move(help));
  family.add(value);
  return family;
}

std::string render(const Families& families) {
  std::string out;
  for (const Family& family : families) {
    out += "# HELP " + family.name + ' ' + escaped(family.help, false) + '\n';
    out += "# TYPE " + family.name + ' ' + std::string(to_string(family.kind)) + '\n';
    for (const Sample& sample : family.samples) put_sample(out, family, sample);
  }
  return out;
}

}  // namespace sekisho::metrics
