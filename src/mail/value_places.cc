#include "mail/value_places.h"

#include <algorithm>

#include "base/utf8.h"

namespace sekisho::mail {

namespace {

constexpr auto npos = std::string_view::npos;

std::size_t end_of_quotes(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return npos;
}

// The second octet of a Shift_JIS character may be a backslash; in UTF-8 none is.
bool is_half_character(std::string_view text, std::size_t at) {
  if (at == 0 || is_utf8(text)) return false;
  const auto lead = static_cast<unsigned char>(text[at - 1]);
  return (lead >= 0x81 && lead <= 0x9f) || (lead >= 0xe0 && lead <= 0xfc);
}

bool hangs_on_escape(std::string_view part) {
  return part.find('\\') != npos && part.find_first_of("<>@,") != npos;
}

}  // namespace

std::size_t end_of_comment(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return npos;
}

bool in_iso_2022(std::string_view text, std::size_t at) {
  const auto shift = text.substr(0, at).rfind('\x1b');
  return shift != npos && text.substr(shift + 1, 1) == "$";
}

Places places_in(std::string_view text) {
  Places places;
  places.of.assign(text.size(), Place::plain);
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const bool quote = c == '"' && !places.open_quote;
    const bool comment = c == '(' && !places.open_comment;
    if (quote || comment) {
      const std::size_t end = quote ? end_of_quotes(text, i) : end_of_comment(text, i);
      if (end == npos) {
        (quote ? places.open_quote : places.open_comment) = true;
        continue;
      }
      std::fill(places.of.begin() + static_cast<std::ptrdiff_t>(i),
                places.of.begin() + static_cast<std::ptrdiff_t>(end),
                quote ? Place::quoted : Place::comment);
      places.escape |= hangs_on_escape(text.substr(i, end - i));
      i = end;
      continue;
    }
    if (c == '\\' && i + 1 < text.size()) {
      if (is_half_character(text, i)) {
        places.doubtful_quote |= text[i + 1] == '"';
      } else {
        places.escape |= std::string_view("<>@,\"").find(text[i + 1]) != npos;
      }
    }
    ++i;
  }
  return places;
}

}  // namespace sekisho::mail
