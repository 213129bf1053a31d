// The first line of the input is a name, of a charset, an encoding or a parameter; the rest is a
// text in it. What comes out for a person is UTF-8, and not without bounds longer; what was encoded
// by the book is decoded as it was; and a tag list says the same when its tags are written down
// again.
#include <algorithm>
#include <string>

#include "base/encoding.h"
#include "base/utf8.h"
#include "fuzz/require.h"
#include "mail/charset.h"
#include "mail/content_field.h"
#include "mail/html_text.h"
#include "mail/tag_list.h"
#include "mail/transfer_encoding.h"

namespace {

using namespace sekisho;
using fuzz::require;

// RFC 2045 §6.7, every octet as a code.
std::string quoted_printable(std::string_view octets) {
  std::string out;
  for (const char c : octets) {
    out += '=';
    out += hex_encode({&c, 1});
  }
  return out;
}

void check_transfer(std::string_view name, std::string_view text) {
  require(mail::decode_transfer(text, name).size() <= text.size());
  require(mail::decode_base64(base64_encode(text)) == text);
  require(mail::decode_quoted_printable(quoted_printable(text)) == text);
}

void check_charset(std::string_view name, std::string_view text) {
  const auto known = mail::to_utf8(text, name);
  const std::string shown = mail::readable(text, name);
  require(is_utf8(shown) && shown.size() <= 4 * text.size() + 4);
  if (!known) return;
  require(is_utf8(*known) && *known == shown);
  if (name == "utf-8") require(*known == text);
}

void check_html(std::string_view text) {
  const std::string html = mail::readable(text, "utf-8");
  const std::string read = mail::html_text(html);
  require(is_utf8(read) && read.size() <= 4 * html.size() + 16);
}

void check_field(std::string_view name, std::string_view text) {
  const mail::ContentField field(text);
  require(std::none_of(field.value().begin(), field.value().end(),
                       [](char c) { return c >= 'A' && c <= 'Z'; }));
  require(field.parameter(name).size() <= text.size());
  require(is_utf8(field.readable_parameter(name)));
}

void check_tags(std::string_view text) {
  const auto list = mail::TagList::parse(text);
  if (!list) return;
  std::string written;
  for (const auto& [name, value] : list->tags()) written += name + " =\r\n\t" + value + "\r\n ; ";
  const auto again = mail::TagList::parse(written);
  require(again && again->tags().size() == list->tags().size());
  for (const auto& [name, value] : list->tags()) {
    require(list->find(name) == value && again->find(name) == value);
    require(mail::without_blanks(value).find_first_of(" \t\r\n") == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view name = input.substr(0, line);
  const std::string_view text = input.substr(std::min(line + 1, input.size()));
  check_transfer(name, text);
  check_charset(name, text);
  check_html(text);
  check_field(name, text);
  check_tags(text);
  return 0;
}
