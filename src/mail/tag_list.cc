#include "mail/tag_list.h"

#include <algorithm>

#include "base/ascii.h"
#include "mail/limits.h"

namespace sekisho::mail {

namespace {

// tag-list  =  tag-spec *( ";" tag-spec ) [ ";" ]
// tag-spec  =  [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
// tag-name  =  ALPHA *ALNUMPUNC
// tag-value =  [ tval *( 1*(WSP / FWS) tval ) ]
// VALCHAR   =  %x21-3A / %x3C-7E                            (RFC 6376 §3.2)

bool is_tag_name(std::string_view name) {
  return !name.empty() && ascii::is_alpha(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

// FWS at `at`: WSP, or CRLF before WSP. Returns its length, 0 when there is none.
std::size_t blank_length(std::string_view text, std::size_t at) {
  if (ascii::is_wsp(text[at])) return 1;
  const bool fold =
      text.substr(at, 2) == "\r\n" && at + 2 < text.size() && ascii::is_wsp(text[at + 2]);
  return fold ? 3 : 0;
}

// UTF-8 octets are let through: RFC 8616 §5 allows U-labels in d=, i= and s=, and each of them is
// checked where it is read.
bool is_value_octet(char c) { return !ascii::is_control(c) && c != ' ' && c != ';'; }

Expected<void> check_octets(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (is_value_octet(text[i]) || text[i] == ';') {
      ++i;
      continue;
    }
    const std::size_t blank = blank_length(text, i);
    if (blank == 0) return parse_error("a character that no tag list has", i);
    i += blank;
  }
  return {};
}

}  // namespace

Expected<TagList> TagList::parse(std::string_view text) {
  if (const auto checked = check_octets(text); !checked) {
    return tl::unexpected<ParseError>(checked.error());
  }
  TagList list;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(';', start), text.size());
    const std::string_view spec = text.substr(start, end - start);
    const bool last = end == text.size();
    if (last && !list.tags_.empty() && ascii::trim(spec).empty()) break;
    const auto equals = spec.find('=');
    if (equals == std::string_view::npos) return parse_error("a tag without =", start);
    const std::string_view name = ascii::trim(spec.substr(0, equals));
    if (!is_tag_name(name)) return parse_error("not a tag name", start);
    if (list.find(name)) return parse_error("tag " + std::string(name) + " twice", start);
    if (list.tags_.size() == limits::tags) return parse_error("too many tags", start);
    list.tags_.push_back({std::string(name), std::string(ascii::trim(spec.substr(equals + 1)))});
    start = end + 1;
  }
  return list;
}

std::optional<std::string_view> TagList::find(std::string_view name) const {
  const auto found =
      std::find_if(tags_.begin(), tags_.end(), [&](const Tag& tag) { return tag.name == name; });
  if (found == tags_.end()) return std::nullopt;
  return found->value;
}

std::string without_blanks(std::string_view text) {
  std::string out(text.size(), '\0');
  const auto end = std::copy_if(text.begin(), text.end(), out.begin(),
                                [](char c) { return !ascii::is_blank(c); });
  out.erase(end, out.end());
  return out;
}

}  // namespace sekisho::mail
