#include "authres/syntax.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/limits.h"

namespace sekisho::authres {

namespace {

bool is_8bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// RFC 5322 §3.2.3, widened by RFC 6532 §3.2.
bool is_atext(char c) {
  return ascii::is_alnum(c) || is_8bit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// Words joined by single dots; each octet must satisfy `fits`.
template <class Fits>
bool is_dotted(std::string_view text, Fits fits) {
  bool in_word = false;
  for (const char c : text) {
    if (c == '.' ? !in_word : !fits(c)) return false;
    in_word = c != '.';
  }
  return in_word;
}

bool is_domain_text(std::string_view text) {
  return is_dotted(text,
                   [](char c) { return ascii::is_alnum(c) || is_8bit(c) || c == '-' || c == '_'; });
}

// C0, DEL, C1 and the two line ends of Unicode: for each of them there are readers that end a line
// or a string there.
bool is_unwanted(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return !ascii::is_control(c) && !is_8bit(c) && c != ' ' &&
           std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
  });
}

bool is_keyword(std::string_view text) {
  const auto in_keyword = [](char c) { return ascii::is_alnum(c) || c == '-'; };
  return !text.empty() && text.back() != '-' && std::all_of(text.begin(), text.end(), in_keyword);
}

bool is_address_or_domain(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return is_domain_text(text);
  const std::string_view local = text.substr(0, at);
  return (local.empty() || is_dotted(local, is_atext)) && is_domain_text(text.substr(at + 1));
}

// RFC 6376 §3.5: domain-name = sub-domain 1*("." sub-domain), of RFC 5321 §4.1.2.
bool is_plain_domain(std::string_view text) {
  std::size_t labels = 0;
  for (std::size_t start = 0; start <= text.size(); ++labels) {
    const std::size_t end = std::min(text.find('.', start), text.size());
    const std::string_view label = text.substr(start, end - start);
    const bool fits = !label.empty() && label.front() != '-' && label.back() != '-' &&
                      std::all_of(label.begin(), label.end(),
                                  [](char c) { return ascii::is_alnum(c) || c == '-'; });
    if (!fits) return false;
    start = end + 1;
  }
  return labels > 1;
}

std::string cleaned(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    if (!character) {
      text.remove_prefix(1);
      continue;
    }
    if (out.size() + character->octets > limit) break;
    if (!is_unwanted(character->code_point)) out += text.substr(0, character->octets);
    text.remove_prefix(character->octets);
  }
  return out;
}

bool Lexer::take(char c) {
  if (!next_is(c)) return false;
  ++at_;
  return true;
}

bool Lexer::skip_cfws() {
  while (!at_end()) {
    if (ascii::is_blank(text_[at_])) {
      ++at_;
    } else if (text_[at_] != '(') {
      return true;
    } else if (!skip_comment()) {
      return false;
    }
  }
  return true;
}

bool Lexer::skip_comment() {
  std::size_t depth = 0;
  while (!at_end()) {
    const char c = text_[at_++];
    if (c == '\\') {
      if (!at_end()) ++at_;
    } else if (c == '(') {
      if (++depth > mail::limits::comment_nesting) return false;
    } else if (c == ')') {
      if (--depth == 0) return true;
    } else if (ascii::is_control(c) && !ascii::is_blank(c)) {
      return false;
    }
  }
  return false;
}

std::optional<std::string> Lexer::take_quoted() {
  const std::size_t start = at_;
  if (!take('"')) return std::nullopt;
  std::string out;
  while (!at_end()) {
    char c = text_[at_++];
    if (c == '"') return out;
    if (c == '\r' || c == '\n') continue;  // a fold: the blank after it belongs to the string
    if (c == '\\' && !at_end()) c = text_[at_++];
    if (ascii::is_control(c) && c != '\t') break;
    out += c;
  }
  at_ = start;
  return std::nullopt;
}

std::string_view Lexer::take_until(std::string_view ends) {
  const std::size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
  const std::string_view taken = text_.substr(at_, end - at_);
  at_ = end;
  return taken;
}

std::string_view Lexer::take_word(bool with_dots) {
  return take_until(with_dots ? " \t\r\n;()=/\"" : " \t\r\n;()=/\".");
}

std::string_view Lexer::take_run() { return take_until(" \t\r\n;()"); }

void Lexer::skip_past_word() { take_until(" \t\r\n;("); }

void Lexer::skip_to_semicolon() {
  while (!at_end() && !next_is(';')) {
    if (next_is('"')) {
      // After a quote that does not end, semicolons cannot be distinguished from text.
      if (!take_quoted()) at_ = text_.size();
    } else if (!next_is('(') || !skip_comment()) {
      at_ += at_end() ? 0 : 1;
    }
  }
}

}  // namespace sekisho::authres
