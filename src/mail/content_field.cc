#include "mail/content_field.h"

#include <algorithm>
#include <tuple>

#include "base/ascii.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"
#include "mail/limits.h"
#include "mail/transfer_encoding.h"

namespace sekisho::mail {

namespace {

// The text up to a `;` outside quotes and comments; removed from `rest` with its `;`.
std::string_view take_section(std::string_view& rest) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ';' && !quoted) {
      break;
    }
  }
  at = std::min(at, rest.size());
  const std::string_view section = rest.substr(0, at);
  rest.remove_prefix(std::min(rest.size(), at + 1));
  return ascii::trim(section);
}

// A token or quoted string, without the text behind it.
std::string text_of(std::string_view value) {
  if (!value.starts_with('"')) return std::string(value.substr(0, value.find_first_of(" \t\r\n(")));
  std::string out;
  for (std::size_t i = 1; i < value.size() && value[i] != '"'; ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out += value[i];
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// charset "'" language "'" text. RFC 2231 §4.
std::pair<std::string, std::string_view> split_charset(std::string_view text) {
  const std::size_t first = text.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos) return {"", text};
  return {std::string(text.substr(0, first)), text.substr(second + 1)};
}

}  // namespace

ContentField::ContentField(std::string_view text) {
  value_ = ascii::lower(take_section(text));
  value_ = value_.substr(0, value_.find_first_of(" \t\r\n("));
  while (!text.empty() && parameters_.size() < limits::tags) {
    const std::string_view section = take_section(text);
    const std::size_t equals = section.find('=');
    if (equals == std::string_view::npos) continue;
    parameters_.emplace_back(ascii::lower(ascii::trim(section.substr(0, equals))),
                             text_of(ascii::trim(section.substr(equals + 1))));
  }
}

std::string_view ContentField::parameter(std::string_view name) const {
  for (const auto& [known, value] : parameters_) {
    if (known == name) return value;
  }
  return {};
}

std::string ContentField::readable_parameter(std::string_view name) const {
  const std::string extended = std::string(name) + "*";
  if (const auto whole = parameter(extended); !whole.empty()) {
    const auto [charset, text] = split_charset(whole);
    return readable(percent_decoded(text), charset);
  }
  // RFC 2231 §3: name*0, name*1*, …: the first one names the charset.
  std::string charset;
  std::string joined;
  for (std::size_t i = 0; i < limits::tags; ++i) {
    const std::string section = extended + std::to_string(i);
    std::string_view encoded = parameter(section + "*");
    if (!encoded.empty()) {
      if (i == 0) std::tie(charset, encoded) = split_charset(encoded);
      joined += percent_decoded(encoded);
    } else if (const auto plain = parameter(section); !plain.empty()) {
      joined += plain;
    } else {
      break;
    }
  }
  if (!joined.empty()) return readable(joined, charset);
  return decode_encoded_words(readable(parameter(name), "utf-8"));
}

}  // namespace sekisho::mail
