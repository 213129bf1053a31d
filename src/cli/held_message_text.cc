// A held message itself for a person: its header, and its text parts.
#include "base/ascii.h"
#include "cli/held_text.h"
#include "mail/encoded_word.h"
#include "mail/html_text.h"
#include "mail/message.h"
#include "mail/mime.h"

namespace sekisho::cli {

namespace {

std::string_view header_of(std::string_view message) {
  if (message.starts_with("\r\n")) return {};
  const std::size_t end = message.find("\r\n\r\n");
  return end == std::string_view::npos ? message : message.substr(0, end + 2);
}

// One attachment, or text that is too long.
constexpr std::size_t name_columns = 200;

// At most this much text of one part is shown; the rest is counted.
constexpr std::size_t text_octets = 256 * 1024;

// Attachments and parts that are listed; an attacker may send a thousand.
std::string summary(const mail::MimePart& part, Charset charset) {
  std::string line = "[" + printable(part.type, name_columns, charset);
  if (!part.file_name.empty()) line += ", " + printable(part.file_name, name_columns, charset);
  if (!part.disposition.empty()) line += ", " + printable(part.disposition, name_columns, charset);
  return line + ", " + short_size(part.content().size()) + "]\n";
}

void show_fields(std::string& out, std::string_view message, Charset charset) {
  const mail::Message parsed = mail::parse_message(header_of(message));
  for (const auto& field : parsed.header.fields()) {
    for (const auto* wanted : {"From", "To", "Cc", "Date", "Subject", "Reply-To"}) {
      if (!field.is(wanted)) continue;
      out += std::string(wanted) + ": " +
             printable(mail::decode_encoded_words(field.unfolded()), 1000, charset) + "\n";
    }
  }
}

}  // namespace

std::string header_text(std::string_view message, Charset charset) {
  return printable_lines(header_of(message), charset);
}

std::string message_text(std::string_view message, Charset charset) {
  std::string out;
  show_fields(out, message, charset);
  out += '\n';
  const auto read = mail::read_mime(message);
  for (const auto& part : read.parts) {
    if (part.is_container() && part.body.empty()) continue;
    if (!part.is_text()) {
      out += summary(part, charset);
      continue;
    }
    if (!part.file_name.empty() || part.type != "text/plain") out += summary(part, charset);
    std::string text = part.text();
    if (part.type == "text/html") text = mail::html_text(text);
    const bool cut = text.size() > text_octets;
    if (cut) text.resize(text_octets);
    out += printable_lines(text, charset);
    if (!out.ends_with('\n')) out += '\n';
    if (cut) out += "[the rest of this part is not shown]\n";
    out += '\n';
  }
  if (!read.complete) out += "[more parts, or deeper ones, are not shown]\n";
  return out;
}

}  // namespace sekisho::cli
