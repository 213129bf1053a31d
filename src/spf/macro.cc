#include "spf/macro.h"

#include <algorithm>
#include <limits>

#include "base/ascii.h"
#include "mail/limits.h"

namespace sekisho::spf {

namespace {

constexpr std::string_view delimiter_characters = ".-+,/_=";

// Reads a macro-string octet by octet and gathers its parts.
class MacroReader {
 public:
  MacroReader(std::string_view text, MacroString::Kind kind) : text_(text), kind_(kind) {}

  Expected<std::vector<MacroString::Part>> read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '%') {
        if (auto read = read_expand(); !read) return tl::unexpected(read.error());
        tail_ = at_;
      } else if (is_literal(c)) {
        append_literal(c);
        ++at_;
      } else {
        return parse_error("a character that is not allowed", at_);
      }
    }
    return std::move(parts_);
  }

  // The literal text after the last macro-expand.
  std::string_view tail() const { return text_.substr(tail_); }

 private:
  bool is_literal(char c) const {
    return (c > ' ' && c <= '~') || (c == ' ' && kind_ == MacroString::Kind::explanation);
  }

  void append_literal(char c) {
    if (parts_.empty() || parts_.back().letter != 0) parts_.emplace_back();
    parts_.back().literal.push_back(c);
  }

  Expected<void> read_expand() {
    const std::size_t start = at_++;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    ++at_;
    switch (c) {
      case '%':
        append_literal('%');
        return {};
      case '_':
        append_literal(' ');
        return {};
      case '-':
        for (const char octet : std::string_view("%20")) append_literal(octet);
        return {};
      case '{':
        return read_macro(start);
      default:
        return parse_error("'%' without a macro", start);
    }
  }

  Expected<void> read_macro(std::size_t start) {
    MacroString::Part part;
    const char letter = at_ < text_.size() ? text_[at_++] : '\0';
    part.letter = ascii::to_lower(letter);
    part.url_escape = ascii::is_upper(letter);
    if (!is_macro_letter(part.letter)) return parse_error("an unknown macro letter", start);
    if (auto read = read_transformers(part); !read) return read;
    const std::size_t delimiters = at_;
    while (at_ < text_.size() && delimiter_characters.find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
    if (at_ > delimiters) part.delimiters = text_.substr(delimiters, at_ - delimiters);
    if (at_ >= text_.size() || text_[at_] != '}') return parse_error("a macro without '}'", start);
    ++at_;
    parts_.push_back(std::move(part));
    return {};
  }

  bool is_macro_letter(char letter) const {
    if (letter == '\0') return false;
    if (std::string_view("slodiphv").find(letter) != std::string_view::npos) return true;
    // The meaning of an unknown modifier is unknown, and so are its permitted macros.
    return kind_ != MacroString::Kind::domain_spec &&
           std::string_view("crt").find(letter) != std::string_view::npos;
  }

  Expected<void> read_transformers(MacroString::Part& part) {
    const std::size_t digits = at_;
    unsigned keep = 0;
    while (at_ < text_.size() && ascii::is_digit(text_[at_])) {
      // A name has 127 labels at most: a number beyond 255 makes no difference.
      keep = std::min(keep * 10 + static_cast<unsigned>(text_[at_] - '0'), 255U);
      ++at_;
    }
    // RFC 7208 §7.3: "If a DIGIT is specified, the value MUST be nonzero."
    if (at_ > digits && keep == 0) return parse_error("a macro that keeps no part", digits);
    part.keep = static_cast<std::uint8_t>(keep);
    part.reverse = at_ < text_.size() && ascii::to_lower(text_[at_]) == 'r';
    if (part.reverse) ++at_;
    return {};
  }

  std::string_view text_;
  MacroString::Kind kind_;
  std::size_t at_ = 0;
  std::size_t tail_ = 0;
  std::vector<MacroString::Part> parts_;
};

bool is_toplabel(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  const auto allowed = [](char c) { return ascii::is_alnum(c) || c == '-'; };
  return std::all_of(label.begin(), label.end(), allowed) &&
         !std::all_of(label.begin(), label.end(), ascii::is_digit);
}

// Whether literal text at the end of a domain-spec has the form `"." toplabel [ "." ]` at its own
// end.
bool ends_in_toplabel(std::string_view tail) {
  if (tail.ends_with('.')) tail.remove_suffix(1);
  const std::size_t dot = tail.rfind('.');
  return dot != std::string_view::npos && is_toplabel(tail.substr(dot + 1));
}

// "192.0.2.1", or the 32 nibbles of an IPv6 address with dots between them. RFC 7208 does not
// specify the case of the nibbles. In names it does not matter; in explanations its authors' test
// suite has upper case.
std::string dotted(const mail::IpAddress& address) {
  if (address.is_v4()) return address.text();
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const std::uint8_t octet : address.octets()) {
    if (!out.empty()) out.push_back('.');
    out.push_back(digits[octet >> 4]);
    out.push_back('.');
    out.push_back(digits[octet & 0xf]);
  }
  return out;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
    case 's':
      return std::string(values.local_part) + '@' + std::string(values.sender_domain);
    case 'l':
      return std::string(values.local_part);
    case 'o':
      return std::string(values.sender_domain);
    case 'd':
      return std::string(values.domain);
    case 'i':
      return dotted(values.client);
    case 'p':
      return std::string(values.validated_name);
    case 'v':
      return values.client.is_v4() ? "in-addr" : "ip6";
    case 'h':
      return std::string(values.helo);
    case 'c':
      return values.client.text();
    case 'r':
      return values.receiver.empty() ? "unknown" : std::string(values.receiver);
    case 't':
      return std::to_string(values.now.time_since_epoch().count());
    default:
      return {};
  }
}

// Splits at the delimiters, reverses, keeps the right-hand parts, and joins with dots (RFC 7208
// §7.3).
std::string transform(std::string_view value, const MacroString::Part& part) {
  std::vector<std::string_view> pieces;
  for (std::size_t start = 0;;) {
    const std::size_t end = value.find_first_of(part.delimiters, start);
    pieces.push_back(value.substr(start, end - start));
    if (end == std::string_view::npos) break;
    start = end + 1;
  }
  if (part.reverse) std::reverse(pieces.begin(), pieces.end());
  const std::size_t keep =
      part.keep == 0 ? pieces.size() : std::min<std::size_t>(part.keep, pieces.size());
  std::string out;
  for (std::size_t i = pieces.size() - keep; i < pieces.size(); ++i) {
    if (i > pieces.size() - keep) out.push_back('.');
    out.append(pieces[i]);
  }
  return out;
}

// RFC 3986 §2.3: everything but the unreserved characters becomes %XX.
std::string url_escape(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view unreserved = "-._~";
  std::string out;
  for (const char c : text) {
    if (ascii::is_alnum(c) || unreserved.find(c) != std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(digits[octet >> 4]);
    out.push_back(digits[octet & 0xf]);
  }
  return out;
}

std::string expand(const MacroString::Part& part, const MacroValues& values) {
  if (part.letter == 0) return part.literal;
  std::string value = value_of(part.letter, values);
  if (part.reverse || part.keep != 0 || part.delimiters != ".") value = transform(value, part);
  return part.url_escape ? url_escape(value) : value;
}

}  // namespace

Expected<MacroString> MacroString::parse(std::string_view text, Kind kind) {
  MacroReader reader(text, kind);
  auto parts = reader.read();
  if (!parts) return tl::unexpected(parts.error());
  const bool ends_in_expand = !text.empty() && reader.tail().empty();
  if (kind == Kind::domain_spec && !ends_in_expand && !ends_in_toplabel(reader.tail())) {
    return parse_error("a name that does not end in a top-level label", text.size());
  }
  MacroString out;
  out.parts_ = std::move(*parts);
  out.uses_validated_name_ = std::any_of(out.parts_.begin(), out.parts_.end(),
                                         [](const Part& part) { return part.letter == 'p'; });
  return out;
}

std::optional<dns::Name> expand_name(const MacroString& text, const MacroValues& values) {
  // Expanded from the right, because only the right end matters: one final dot, the name, and one
  // octet more to detect that it is too long.
  constexpr std::size_t enough = mail::limits::domain_octets + 2;
  std::vector<std::string> pieces;
  std::size_t octets = 0;
  for (auto part = text.parts().rbegin(); part != text.parts().rend() && octets < enough; ++part) {
    pieces.push_back(expand(*part, values));
    octets += pieces.back().size();
  }
  std::string joined;
  std::for_each(pieces.rbegin(), pieces.rend(), [&](const std::string& p) { joined += p; });

  std::string_view name = joined;
  if (name.ends_with('.')) name.remove_suffix(1);
  while (name.size() > mail::limits::domain_octets) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    name.remove_prefix(dot + 1);
  }
  return dns::Name::from(name);
}

std::string expand_explanation(const MacroString& text, const MacroValues& values) {
  std::string out;
  for (const MacroString::Part& part : text.parts()) {
    for (const char c : expand(part, values)) {
      if (out.size() == max_explanation_octets) return out;
      if (c >= ' ' && c <= '~') out.push_back(c);
    }
  }
  return out;
}

}  // namespace sekisho::spf
