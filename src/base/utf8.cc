#include "base/utf8.h"

namespace sekisho {

namespace {

struct Lead {
  std::size_t octets;
  char32_t bits;      // of the first octet
  char32_t smallest;  // smaller values have a shorter form
};

std::optional<Lead> lead(unsigned char octet) {
  if (octet >= 0xc2 && octet <= 0xdf) return Lead{2, octet & 0x1fU, 0x80};
  if (octet >= 0xe0 && octet <= 0xef) return Lead{3, octet & 0x0fU, 0x800};
  if (octet >= 0xf0 && octet <= 0xf4) return Lead{4, octet & 0x07U, 0x10000};
  return std::nullopt;
}

}  // namespace

std::optional<Utf8Character> first_utf8_character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (const auto first = static_cast<unsigned char>(text.front()); first < 0x80)
    return Utf8Character{first, 1};
  const auto start = lead(static_cast<unsigned char>(text.front()));
  if (!start || text.size() < start->octets) return std::nullopt;
  char32_t code_point = start->bits;
  for (std::size_t i = 1; i < start->octets; ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if ((octet & 0xc0U) != 0x80U) return std::nullopt;
    code_point = (code_point << 6U) | (octet & 0x3fU);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < start->smallest || surrogate || code_point > 0x10ffff) return std::nullopt;
  return Utf8Character{code_point, start->octets};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    if (!character) return false;
    text.remove_prefix(character->octets);
  }
  return true;
}

bool is_bidi_control(char32_t code_point) {
  return code_point == 0x061c || code_point == 0x200e || code_point == 0x200f ||
         (code_point >= 0x202a && code_point <= 0x202e) ||
         (code_point >= 0x2066 && code_point <= 0x2069);
}

}  // namespace sekisho
