#include "cli/table.h"

#include "base/encoding.h"

namespace sekisho::cli {

namespace {

// Octets of the UTF-8 character that begins with `lead`; escaped text is well-formed.
std::size_t octets_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

// Unicode from U+1100 on (Hangul, CJK, full-width forms, emoji) is wide but for little that no address
// or subject has; too narrow a table is no harm.
std::size_t columns_of(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() < 3) return 1;
  if (character.size() > 3 || first > 0xE1) {
    // U+2000 to U+2E7F: punctuation, arrows, signs.
    const auto second = static_cast<unsigned char>(character[1]);
    return character.size() == 3 && first == 0xE2 && second < 0xBA ? 1 : 2;
  }
  return first == 0xE1 && static_cast<unsigned char>(character[1]) < 0x84 ? 1 : 2;
}

// What fits, and how many columns it takes.
std::pair<std::string, std::size_t> fitted(std::string_view text, std::size_t columns) {
  const std::string safe = escape_for_log(text, 4 * columns + 4);
  std::string out;
  std::size_t used = 0;
  std::size_t short_size = 0;  // up to where one column is left for the sign that it was cut
  std::size_t short_used = 0;
  for (std::size_t at = 0; at < safe.size();) {
    const auto size = std::min(octets_of(static_cast<unsigned char>(safe[at])), safe.size() - at);
    const auto width = columns_of(std::string_view(safe).substr(at, size));
    if (used + width > columns) {
      out.resize(short_size);
      return {out + "…", short_used + 1};
    }
    out.append(safe, at, size);
    used += width;
    at += size;
    if (used < columns) {
      short_size = out.size();
      short_used = used;
    }
  }
  return {out, used};
}

}  // namespace

std::string fit(std::string_view text, std::size_t columns) { return fitted(text, columns).first; }

std::string cell(std::string_view text, std::size_t columns) {
  auto [out, used] = fitted(text, columns);
  return out + std::string(columns - used, ' ');
}

}  // namespace sekisho::cli
