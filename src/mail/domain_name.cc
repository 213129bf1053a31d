#include "mail/domain_name.h"

#include <algorithm>
#include <new>

#include <idn2.h>

#include "base/ascii.h"
#include "base/unique_handle.h"
#include "base/utf8.h"
#include "mail/limits.h"

namespace sekisho::mail {

namespace {

using Idn2Text = UniqueHandle<char, idn2_free>;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_label_octet(char c) {
  return ascii::is_lower(c) || ascii::is_digit(c) || c == '-' || c == '_';
}

// Characters that IDNA's mapping drops without a trace, or that reverse the direction of text. A
// person would see another name than the one that is compared, so such a name is refused. U+200C
// and U+200D have rules of their own (RFC 5892 appendix A.1), and libidn2 checks them.
bool is_invisible(char32_t c) {
  return c == 0x00ad || c == 0x034f || c == 0x180e || c == 0x200b || c == 0xfeff ||
         (c >= 0x2060 && c <= 0x2064) || (c >= 0xfe00 && c <= 0xfe0f) || is_bidi_control(c);
}

Expected<void> check_unicode(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto character = first_utf8_character(text.substr(at));
    if (!character) return parse_error("the domain is not UTF-8", at);
    if (character->code_point == 0) return parse_error("NUL in a domain", at);
    if (is_invisible(character->code_point)) {
      return parse_error("an invisible character in a domain", at);
    }
    at += character->octets;
  }
  return {};
}

// U-labels to A-labels (RFC 5891 §5, with the mapping of UTS 46 that browsers and mail programs
// use).
Expected<std::string> to_a_labels(std::string_view text) {
  // A label of 63 octets never came from more than 4 × 63 octets; libidn2 need not see longer
  // texts.
  if (text.size() > 4 * limits::domain_octets) return parse_error("the domain is too long");
  if (const auto checked = check_unicode(text); !checked) {
    return tl::unexpected<ParseError>(checked.error());
  }
  const std::string terminated(text);
  std::uint8_t* converted = nullptr;
  const int code = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(terminated.c_str()),
                                  &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const Idn2Text owned(reinterpret_cast<char*>(converted));
  if (code == IDN2_MALLOC) throw std::bad_alloc();  // it says nothing of the name
  if (code != IDN2_OK) {
    return parse_error(std::string("not an internationalised domain: ") + idn2_strerror(code));
  }
  return std::string(owned.get());
}

Expected<void> check_labels(std::string_view text) {
  if (text.size() > limits::domain_octets) return parse_error("the domain is too long");
  std::size_t label_start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      if (!is_label_octet(text[i])) return parse_error("a character no domain has", i);
      continue;
    }
    if (i == label_start) return parse_error("an empty label in a domain", i);
    if (i - label_start > limits::label_octets) return parse_error("a label is too long", i);
    label_start = i + 1;
  }
  return {};
}

}  // namespace

Expected<DomainName> DomainName::parse(std::string_view text) {
  const bool converted_from_u_labels = !is_ascii(text);
  std::string name;
  if (!converted_from_u_labels) {
    name = ascii::lower(text);
  } else {
    auto converted = to_a_labels(text);
    if (!converted) return tl::unexpected<ParseError>(converted.error());
    name = ascii::lower(*converted);
  }
  if (name.ends_with('.')) name.pop_back();
  if (const auto checked = check_labels(name); !checked) {
    // A position in the A-labels is not a position in the text.
    return parse_error(checked.error().what, converted_from_u_labels ? 0 : checked.error().at);
  }
  return DomainName(std::move(name));
}

std::size_t DomainName::label_count() const {
  return static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '.')) + 1;
}

std::vector<std::string_view> DomainName::labels() const {
  std::vector<std::string_view> labels;
  std::string_view rest = text_;
  for (;;) {
    const auto dot = rest.find('.');
    labels.push_back(rest.substr(0, dot));
    if (dot == std::string_view::npos) return labels;
    rest.remove_prefix(dot + 1);
  }
}

DomainName DomainName::suffix(std::size_t count) const {
  std::size_t start = text_.size();
  for (std::size_t kept = 0; kept < std::max<std::size_t>(count, 1); ++kept) {
    const auto dot = text_.rfind('.', start - 1);
    if (dot == std::string::npos) return *this;
    start = dot;
  }
  return DomainName(text_.substr(start + 1));
}

bool DomainName::is_or_is_below(const DomainName& parent) const {
  if (text_.size() == parent.text_.size()) return text_ == parent.text_;
  return text_.size() > parent.text_.size() && text_.ends_with(parent.text_) &&
         text_[text_.size() - parent.text_.size() - 1] == '.';
}

}  // namespace sekisho::mail
