#include "mail/html_text.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/ascii.h"

namespace sekisho::mail {

namespace {

// Elements whose content is not text for a reader.
constexpr std::array<std::string_view, 4> unread = {"script", "style", "head", "template"};

// Elements that begin a line.
constexpr std::array<std::string_view, 17> blocks = {"p",  "br", "div", "tr", "table",     "li",
                                                     "ul", "ol", "h1",  "h2", "h3",        "h4",
                                                     "h5", "h6", "hr",  "td", "blockquote"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> entities = {
    {{"amp", "&"},
     {"lt", "<"},
     {"gt", ">"},
     {"quot", "\""},
     {"apos", "'"},
     {"nbsp", " "},
     {"yen", "\xc2\xa5"},
     {"copy", "\xc2\xa9"}}};

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& names, std::string_view name) {
  for (const auto& one : names) {
    if (ascii::iequals(one, name)) return true;
  }
  return false;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto octet = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (code_point < 0x80) {
    octet(code_point);
  } else if (code_point < 0x800) {
    octet(0xc0U | (code_point >> 6U));
    octet(0x80U | (code_point & 0x3fU));
  } else if (code_point < 0x10000) {
    octet(0xe0U | (code_point >> 12U));
    octet(0x80U | ((code_point >> 6U) & 0x3fU));
    octet(0x80U | (code_point & 0x3fU));
  } else {
    octet(0xf0U | (code_point >> 18U));
    octet(0x80U | ((code_point >> 12U) & 0x3fU));
    octet(0x80U | ((code_point >> 6U) & 0x3fU));
    octet(0x80U | (code_point & 0x3fU));
  }
}

// Appends the entity at the front of `text`. Returns its length, or 0 if there is none.
std::size_t take_entity(std::string_view text, std::string& out) {
  constexpr std::size_t longest = 12;
  const std::size_t end = text.substr(0, longest).find(';');
  if (end == std::string_view::npos || end < 2) return 0;
  std::string_view name = text.substr(1, end - 1);
  if (name.front() == '#') {
    name.remove_prefix(1);
    const bool hex = !name.empty() && ascii::to_lower(name.front()) == 'x';
    if (hex) name.remove_prefix(1);
    std::uint32_t code_point = 0;
    const auto [stop, error] =
        std::from_chars(name.data(), name.data() + name.size(), code_point, hex ? 16 : 10);
    if (error != std::errc{} || stop != name.data() + name.size() || code_point > 0x10ffff ||
        code_point == 0 || (code_point >= 0xd800 && code_point <= 0xdfff))
      return 0;
    append_utf8(out, code_point);
    return end + 1;
  }
  for (const auto& [entity, text_of] : entities) {
    if (name == entity) {
      out += text_of;
      return end + 1;
    }
  }
  return 0;
}

// The text without leading blanks. It is not copied, for the end of the tag may be far.
std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// The value of an attribute in the text of a tag; empty without it.
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = 0; at + name.size() < tag.size(); ++at) {
    if (!ascii::is_blank(tag[at]) || !ascii::iequals(tag.substr(at + 1, name.size()), name))
      continue;
    std::string_view rest = without_blanks(tag.substr(at + 1 + name.size()));
    if (!rest.starts_with('=')) continue;
    rest = without_blanks(rest.substr(1));
    if (rest.starts_with('"') || rest.starts_with('\''))
      return rest.substr(1, rest.find(rest.front(), 1) - 1);
    return rest.substr(0, rest.find_first_of(" \t\r\n"));
  }
  return {};
}

class Reader {
 public:
  explicit Reader(std::string_view html) : rest_(html) {}

  std::string text() {
    while (!rest_.empty()) {
      if (rest_.front() == '<') {
        tag();
      } else {
        character();
      }
    }
    end_link();
    return std::move(out_);
  }

 private:
  void character() {
    if (rest_.front() == '&') {
      if (const std::size_t octets = take_entity(rest_, out_); octets > 0) {
        rest_.remove_prefix(octets);
        return;
      }
    }
    if (ascii::is_blank(rest_.front())) {
      if (!out_.empty() && !ascii::is_blank(out_.back())) out_ += ' ';
    } else {
      out_ += rest_.front();
    }
    rest_.remove_prefix(1);
  }

  void tag() {
    if (rest_.starts_with("<!--")) return skip_past("-->");
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) {
      // Never closed: shown as it stands, so that nothing hides behind it.
      out_ += rest_;
      rest_ = {};
      return;
    }
    std::string_view inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    const bool closing = inside.starts_with('/');
    if (closing) inside.remove_prefix(1);
    const std::string_view name = inside.substr(0, inside.find_first_of(" \t\r\n/"));
    if (is_one_of(blocks, name)) line();
    if (ascii::iequals(name, "a")) {
      end_link();
      if (!closing) link_ = attribute(inside, "href");
    }
    if (!closing && is_one_of(unread, name) && !inside.ends_with('/')) skip_element(name);
  }

  void line() {
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    const bool empty = out_.empty() || out_.ends_with("\n\n");
    if (!empty) out_ += '\n';
  }

  void end_link() {
    if (!link_.empty()) out_ += " [" + std::string(link_) + "]";
    link_ = {};
  }

  void skip_past(std::string_view end) {
    const std::size_t at = rest_.find(end);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + end.size());
  }

  // Skips to the closing tag; if there is none, only this tag is skipped.
  void skip_element(std::string_view name) {
    for (std::size_t at = rest_.find("</"); at != std::string_view::npos;
         at = rest_.find("</", at + 2)) {
      if (!ascii::iequals(rest_.substr(at + 2, name.size()), name)) continue;
      rest_.remove_prefix(at);
      return;
    }
    if (unclosed_++ > most_unclosed) rest_ = {};
  }

  // Each costs a search through all the rest of the text.
  static constexpr unsigned most_unclosed = 20;

  std::string_view rest_;
  std::string_view link_;
  std::string out_;
  unsigned unclosed_ = 0;
};

}  // namespace

std::string html_text(std::string_view html) { return Reader(html).text(); }

}  // namespace sekisho::mail
