#include "mail/message.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"

namespace sekisho::mail {

namespace {

std::string with_crlf(std::string_view octets) {
  std::string out;
  out.reserve(octets.size() + octets.size() / 32);
  for (const char c : octets) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

// Removes the next line from `rest`, and returns it without its CRLF or LF.
std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  if (end == std::string_view::npos) {
    rest = {};
    return line;
  }
  rest.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// field-name = 1*ftext, %d33-57 / %d59-126 (RFC 5322 §3.6.8); blanks may follow it (§4.5), but no
// fold: most readers end the header at a line without a colon.
bool is_field_name(std::string_view name) {
  while (!name.empty() && ascii::is_wsp(name.back())) name.remove_suffix(1);
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// A line with its continuation lines, joined by CRLF.
void keep(std::string_view line, Message& message) {
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && is_field_name(line.substr(0, colon))) {
    HeaderField field{std::string(line.substr(0, colon)), std::string(line.substr(colon + 1))};
    if (message.left_out) return;
    if (message.header.add(field) != Header::Added::yes) message.left_out = std::move(field);
  } else {
    message.malformed.emplace_back(line);
  }
}

std::string_view take_header(std::string_view rest, Message& message) {
  std::optional<std::string> pending;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.empty()) break;
    if (pending && ascii::is_wsp(line.front())) {
      pending->append("\r\n").append(line);
      continue;
    }
    if (pending) keep(*pending, message);
    pending = line;
  }
  if (pending) keep(*pending, message);
  return rest;
}

}  // namespace

Message parse_message(std::string_view octets) {
  std::string converted;
  if (octets.find("\r\n") == std::string_view::npos) {
    converted = with_crlf(octets);
    octets = converted;
  }
  Message message;
  message.body = take_header(octets, message);
  return message;
}

}  // namespace sekisho::mail
