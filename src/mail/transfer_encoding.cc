#include "mail/transfer_encoding.h"

#include <cstdint>

#include "base/ascii.h"

namespace sekisho::mail {

namespace {

int base64_value(char c) {
  if (ascii::is_upper(c)) return c - 'A';
  if (ascii::is_lower(c)) return c - 'a' + 26;
  if (ascii::is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

// Decodes one line, without its end. Returns whether the line end belongs to the text.
bool decode_line(std::string_view line, std::string& out) {
  while (!line.empty() && ascii::is_wsp(line.back())) line.remove_suffix(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '=') {
      out += line[i];
      continue;
    }
    if (i + 1 == line.size()) return false;
    const int high = hex_value(line[i + 1]);
    const int low = i + 2 < line.size() ? hex_value(line[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out += line[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

}  // namespace

int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  const char lower = ascii::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int value = base64_value(c);
    if (value < 0) continue;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 0xffU);
  }
  return out;
}

std::string decode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t feed = text.find('\n');
    std::string_view line = text.substr(0, feed);
    const bool ended = feed != std::string_view::npos;
    text.remove_prefix(ended ? feed + 1 : text.size());
    const bool carriage = line.ends_with('\r');
    if (carriage) line.remove_suffix(1);
    if (decode_line(line, out) && ended) out += carriage ? "\r\n" : "\n";
  }
  return out;
}

std::string decode_transfer(std::string_view text, std::string_view encoding) {
  encoding = ascii::trim(encoding);
  if (ascii::iequals(encoding, "base64")) return decode_base64(text);
  if (ascii::iequals(encoding, "quoted-printable")) return decode_quoted_printable(text);
  return std::string(text);
}

}  // namespace sekisho::mail
