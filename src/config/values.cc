#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"

namespace sekisho::config {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  milliseconds length;
};

// The longest first.
constexpr std::array<Unit, 5> units{{{"d", std::chrono::hours(24)},
                                     {"h", std::chrono::hours(1)},
                                     {"m", std::chrono::minutes(1)},
                                     {"s", std::chrono::seconds(1)},
                                     {"ms", milliseconds(1)}}};

// A hundred years: the product with a unit fits with room.
constexpr std::int64_t max_count = 3'200'000'000;

// Units of sizes: each is 1024 times the one before.
constexpr std::string_view size_units = "KMGT";

std::string mode_text(unsigned mode) {
  std::string out = "0";
  for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + ((mode >> shift) & 7));
  return out;
}

void read_mode(const std::string& key, const Value& value, unsigned& slot, Reader& reader) {
  unsigned mode = 0;
  const std::string& text = value.text;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, mode, 8);
  const bool octal = failure == std::errc() && stop == end && text.size() >= 3 && mode <= 0777;
  if (value.kind == Value::Kind::text && octal) {
    slot = mode;
    return;
  }
  reader.error(value.place, key + " must be the mode of a file in octal, as text: \"0660\"");
}

std::string shown(const Value& value) {
  switch (value.kind) {
    case Value::Kind::text:
      return toml_text(value.text);
    case Value::Kind::integer:
      return std::to_string(value.integer);
    case Value::Kind::boolean:
      return value.boolean ? "true" : "false";
    case Value::Kind::real:
    case Value::Kind::time:
    case Value::Kind::array:
    case Value::Kind::table:
      return std::string(describe(value.kind));
  }
  return {};
}

}  // namespace

void read_integer(const std::string& key, const Value& value, std::int64_t least, std::int64_t most,
                  Reader& reader, const std::function<void(std::int64_t)>& store) {
  if (value.kind == Value::Kind::integer && value.integer >= least && value.integer <= most) {
    store(value.integer);
    return;
  }
  reader.error(value.place, key + " must be a whole number from " + std::to_string(least) + " to " +
                                std::to_string(most) + ", not " + shown(value));
}

Type<bool> boolean() {
  return {"true or false",
          [](const std::string& key, const Value& value, bool& slot, Reader& reader) {
            if (value.kind == Value::Kind::boolean) {
              slot = value.boolean;
            } else {
              reader.error(value.place,
                           key + " must be true or false (without quotes), not " + shown(value));
            }
          },
          [](const bool& slot) { return std::string(slot ? "true" : "false"); }};
}

Type<unsigned> file_mode() {
  return {"the mode of a file in octal, as text", read_mode,
          [](const unsigned& slot) { return toml_text(mode_text(slot)); }};
}

Expected<milliseconds> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, count);
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  if (text.empty() || !ascii::is_digit(text.front()) || failure != std::errc() ||
      count > max_count) {
    return parse_error("not a duration: write a number and ms, s, m, h or d, as in \"5s\"");
  }
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (count > milliseconds(std::chrono::hours(24) * 36'500) / unit.length) {
      return parse_error("longer than a hundred years");
    }
    return unit.length * count;
  }
  if (name.empty()) return parse_error("the unit is missing: ms, s, m, h or d, as in \"5s\"");
  return parse_error("the unit must be ms, s, m, h or d");
}

std::string show_duration(milliseconds duration) {
  if (duration.count() == 0) return "0s";
  for (const Unit& unit : units) {
    if (duration % unit.length == milliseconds(0)) {
      return std::to_string(duration / unit.length) + std::string(unit.name);
    }
  }
  return {};
}

void read_duration(const std::string& key, const Value& value, milliseconds least,
                   milliseconds most, milliseconds unit, Reader& reader,
                   const std::function<void(milliseconds)>& store) {
  const std::string wanted =
      key + " must be a duration from " + show_duration(least) + " to " + show_duration(most);
  if (value.kind != Value::Kind::text) {
    reader.error(value.place, wanted + ", in double quotes, as in \"5s\", not " + shown(value));
    return;
  }
  const auto read = parse_duration(value.text);
  if (!read) {
    reader.error(value.place, wanted + ", not " + shown(value) + ": " + read.error().what);
  } else if (*read < least || *read > most) {
    reader.error(value.place, wanted + ", not " + shown(value));
  } else if (*read % unit != milliseconds(0)) {
    reader.error(value.place, wanted + " in steps of " + show_duration(unit));
  } else {
    store(*read);
  }
}

Expected<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, count);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  if (text.empty() || !ascii::is_digit(text.front()) || failure != std::errc() || unit.size() > 1) {
    return parse_error("not a size: write a number and K, M, G or T, as in \"10G\"");
  }
  const auto power = unit.empty() ? 0 : size_units.find(unit.front());
  if (power == std::string_view::npos) return parse_error("the unit must be K, M, G or T");
  const auto shift = 10 * (unit.empty() ? 0 : power + 1);
  if (count > std::numeric_limits<std::uint64_t>::max() >> shift) {
    return parse_error("more than any disk holds");
  }
  return count << shift;
}

std::string show_size(std::uint64_t octets) {
  std::size_t power = 0;
  while (octets != 0 && octets % 1024 == 0 && power < size_units.size()) {
    octets /= 1024;
    ++power;
  }
  const std::string number = std::to_string(octets);
  return power == 0 ? number : number + size_units[power - 1];
}

Type<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
  const std::string expects = "a size from " + show_size(least) + " to " + show_size(most);
  return {expects,
          [=](const std::string& key, const Value& value, std::uint64_t& slot, Reader& reader) {
            const std::string wanted = key + " must be " + expects;
            if (value.kind != Value::Kind::text) {
              reader.error(value.place, wanted + ", as text: \"10G\"");
              return;
            }
            const auto read = parse_size(value.text);
            if (!read) {
              reader.error(value.place,
                           wanted + ", not " + shown(value) + ": " + read.error().what);
            } else if (*read < least || *read > most) {
              reader.error(value.place, wanted + ", not " + shown(value));
            } else {
              slot = *read;
            }
          },
          [](const std::uint64_t& slot) { return toml_text(show_size(slot)); }};
}

std::string list_choices(const std::vector<std::string>& words) {
  std::string out = "one of: ";
  for (const std::string& word : words) out += (&word == &words.front() ? "" : ", ") + word;
  return out;
}

std::size_t read_choice(const std::string& key, const Value& value,
                        const std::vector<std::string>& words, Reader& reader) {
  if (value.kind == Value::Kind::text) {
    const auto found = std::find(words.begin(), words.end(), value.text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  const std::string meant =
      value.kind == Value::Kind::text ? nearest(value.text, words) : std::string();
  reader.error(value.place, key + " must be " + list_choices(words) + "; not " + shown(value) +
                                (meant.empty() ? "" : ". Did you mean " + toml_text(meant) + "?"));
  return words.size();
}

std::string show_array(const std::vector<std::string>& elements) {
  constexpr std::size_t one_line = 80;
  std::string out;
  for (const std::string& each : elements) out += (out.empty() ? "" : ", ") + each;
  if (out.size() <= one_line) return "[" + out + "]";
  out = "[\n";
  for (const std::string& each : elements) out += "  " + each + ",\n";
  return out + "]";
}

}  // namespace sekisho::config
