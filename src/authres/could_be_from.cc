#include <array>
#include <optional>

#include "authres/authentication_results.h"
#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/domain_name.h"

namespace sekisho::authres {

namespace {

// How a reader may treat comments and quotes. A conforming reader nests comments and honours `\`
// and quoted strings. A reader that uses a regular expression may do none of this, and then takes
// another text for the authserv-id.
struct Reading {
  bool comments_nest;
  bool escapes;
  bool quotes_shield;  // a parenthesis inside quotes opens no comment
  bool quotes_part;    // a quoted text ends at its quote, and the next octet begins a new word
};

constexpr std::array<Reading, 16> all_readings() {
  std::array<Reading, 16> all{};
  for (unsigned i = 0; i < all.size(); ++i) {
    all[i] = {(i & 1U) == 0, (i & 2U) == 0, (i & 4U) == 0, (i & 8U) == 0};
  }
  return all;
}
constexpr auto readings = all_readings();

bool is_8bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool is_name_octet(char c) {
  return ascii::is_alnum(c) || is_8bit(c) || c == '.' || c == '-' || c == '_';
}

// Invisible characters, and those that some reader takes for a blank.
bool is_invisible(char32_t c) {
  return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x34f || c == 0x61c ||
         c == 0x1680 || (c >= 0x180b && c <= 0x180e) || (c >= 0x2000 && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
         (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

// The text with each invisible character and each invalid octet of UTF-8 replaced by a blank.
std::string with_plain_blanks(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    if (character && !is_invisible(character->code_point)) {
      out += text.substr(0, character->octets);
    } else {
      out += ' ';
    }
    text.remove_prefix(character ? character->octets : 1);
  }
  return out;
}

// The end of the comment that opens at `at`, past its parenthesis; nullopt if it does not end.
std::optional<std::size_t> end_of_comment(std::string_view text, std::size_t at, Reading reading) {
  std::size_t depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\' && reading.escapes) {
      ++at;
    } else if (text[at] == '(') {
      depth = reading.comments_nest ? depth + 1 : 1;
    } else if (text[at] == ')' && --depth == 0) {
      return at + 1;
    }
  }
  return std::nullopt;
}

// The text before the first semicolon that has any text before it, without comments, quotes and
// backslashes. nullopt if a comment never ends: then readers differ.
std::optional<std::string> head_of(std::string_view text, Reading reading) {
  std::string head;
  bool quoted = false;
  bool named = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '(' && !(quoted && reading.quotes_shield)) {
      const auto end = end_of_comment(text, at, reading);
      if (!end) return std::nullopt;
      // Readers differ in whether it separates words; a blank allows both (see begins_with).
      head += ' ';
      at = *end - 1;
    } else if (c == '\\' && reading.escapes && at + 1 < text.size()) {
      head += text[++at];
      named = true;
    } else if (c == '"') {
      quoted = !quoted;
      if (reading.quotes_part) head += ' ';
    } else if (c == ';' && named) {
      break;
    } else if (c != '\\') {
      head += c;
      named = named || is_name_octet(c);
    }
  }
  return head;
}

// Whether a name ends at `at`; final dots do not belong to the name.
bool ends_name(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == '.') ++at;
  return at == text.size() || !is_name_octet(text[at]);
}

// Whether `head` begins with `id`, blanks anywhere between its octets.
bool begins_with(std::string_view head, std::string_view id) {
  std::size_t at = 0;
  for (const char c : id) {
    if (c == ' ') continue;
    while (at < head.size() && head[at] == ' ') ++at;
    if (at == head.size() || ascii::to_lower(head[at]) != c) return false;
    ++at;
  }
  return ends_name(head, at);
}

// Whether `id` stands anywhere in `text` as a name of its own.
bool mentions(std::string_view text, std::string_view id) {
  const std::string lowered = ascii::lower(text);
  for (std::size_t at = lowered.find(id); at != std::string::npos; at = lowered.find(id, at + 1)) {
    if ((at == 0 || !is_name_octet(lowered[at - 1])) && ends_name(lowered, at + id.size())) {
      return true;
    }
  }
  return false;
}

// The ways our own id may be written: as it is configured, and as A-labels.
struct Wanted {
  std::string text;
  std::optional<mail::DomainName> name;
};

Wanted wanted(std::string_view id) {
  while (!id.empty() && id.back() == '.') id.remove_suffix(1);
  Wanted out{ascii::lower(id), std::nullopt};
  if (auto name = mail::DomainName::parse(id)) out.name = std::move(*name);
  return out;
}

bool names(std::string_view head, const Wanted& id) {
  std::size_t start = 0;
  while (start < head.size() && (!is_name_octet(head[start]) || head[start] == '.')) ++start;
  head.remove_prefix(start);
  if (begins_with(head, id.text)) return true;
  if (!id.name) return false;
  if (begins_with(head, id.name->text())) return true;
  std::size_t end = 0;
  while (end < head.size() && is_name_octet(head[end])) ++end;
  while (end > 0 && head[end - 1] == '.') --end;
  const auto name = mail::DomainName::parse(head.substr(0, end));
  return name && *name == *id.name;
}

}  // namespace

bool could_be_from(std::string_view value, std::string_view id) {
  const Wanted own = wanted(id);
  if (own.text.empty()) return false;
  const std::string text = with_plain_blanks(value);
  for (const Reading& reading : readings) {
    const auto head = head_of(text, reading);
    const bool ours =
        head ? names(*head, own)
             : mentions(text, own.text) || (own.name && mentions(text, own.name->text()));
    if (ours) return true;
  }
  return false;
}

}  // namespace sekisho::authres
