#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/ascii.h"
#include "base/utf8.h"

namespace sekisho {

namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::uint8_t not_base64 = 0xff;

constexpr std::array<std::uint8_t, 256> base64_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = not_base64;
  for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
    values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr std::uint32_t octet(char c) { return static_cast<unsigned char>(c); }

void append_escaped(std::string& out, std::string_view octets) {
  for (const char c : octets) {
    out += "\\x";
    out += hex_digits[octet(c) >> 4U];
    out += hex_digits[octet(c) & 0xfU];
  }
}

// Characters that control a terminal, end a log line, or change the direction of text.
bool steers(char32_t code_point) {
  const bool control = code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f);
  const bool line_separator = code_point == 0x2028 || code_point == 0x2029;
  return control || line_separator || is_bidi_control(code_point);
}

bool steers_or_quotes(char32_t code_point) {
  return steers(code_point) || code_point == U'"' || code_point == U'\\';
}

// Characters that are always safe: nearly all of nearly every text.
bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

std::string escape(std::string_view text, std::size_t limit, bool (*is_unsafe)(char32_t)) {
  std::string out;
  std::size_t shown = 0;
  while (shown < text.size()) {
    const std::size_t end = std::min(limit, text.size());
    std::size_t plain = shown;
    while (plain < end && is_plain(text[plain])) ++plain;
    out += text.substr(shown, plain - shown);
    shown = plain;
    if (shown == text.size()) break;
    const std::string_view rest = text.substr(shown);
    const auto character = first_utf8_character(rest);
    const std::size_t octets = character ? character->octets : 1;
    if (shown + octets > limit) return out + "…";
    if (character && !is_unsafe(character->code_point)) {
      out += rest.substr(0, octets);
    } else {
      append_escaped(out, rest.substr(0, octets));
    }
    shown += octets;
  }
  return out;
}

}  // namespace

std::string base64_encode(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t left = octets.size() - i;
    std::uint32_t group = octet(octets[i]) << 16U;
    if (left > 1) group |= octet(octets[i + 1]) << 8U;
    if (left > 2) group |= octet(octets[i + 2]);
    out += base64_alphabet[(group >> 18U) & 63U];
    out += base64_alphabet[(group >> 12U) & 63U];
    out += left > 1 ? base64_alphabet[(group >> 6U) & 63U] : '=';
    out += left > 2 ? base64_alphabet[group & 63U] : '=';
  }
  return out;
}

// The unused bits before the padding may be anything (RFC 4648 §3.5 leaves it open, and OpenSSL
// takes them).
std::optional<std::string> base64_decode(std::string_view text) {
  static constexpr auto values = base64_values();
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  text.remove_suffix(padding);
  std::string out(text.size() * 3 / 4, '\0');
  std::size_t at = 0;
  while (text.size() >= 4) {
    const auto digit = [&](std::size_t i) -> std::uint32_t { return values[octet(text[i])]; };
    // The value of a non-digit is all ones; a digit has six bits.
    if ((digit(0) | digit(1) | digit(2) | digit(3)) > 63) return std::nullopt;
    const std::uint32_t bits = digit(0) << 18U | digit(1) << 12U | digit(2) << 6U | digit(3);
    out[at++] = static_cast<char>(bits >> 16U);
    out[at++] = static_cast<char>(bits >> 8U & 0xffU);
    out[at++] = static_cast<char>(bits & 0xffU);
    text.remove_prefix(4);
  }
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = values[octet(c)];
    if (value == not_base64) return std::nullopt;
    bits = (bits << 6U) | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out[at++] = static_cast<char>((bits >> count) & 0xffU);
  }
  return out;
}

std::string hex_encode(std::string_view octets) {
  std::string out;
  out.reserve(octets.size() * 2);
  for (const char c : octets) {
    out += hex_digits[octet(c) >> 4U];
    out += hex_digits[octet(c) & 0xfU];
  }
  return out;
}

std::string escape_for_log(std::string_view text, std::size_t limit) {
  return escape(text, limit, steers_or_quotes);
}

std::string escape_as_word(std::string_view text, std::size_t limit) {
  std::string word;
  for (const char c : escape_for_log(text, limit)) {
    if (c == ' ') {
      word += "\\x20";
    } else {
      word += c;
    }
  }
  return word;
}

std::string escape_for_terminal(std::string_view text) { return escape(text, text.size(), steers); }

}  // namespace sekisho
