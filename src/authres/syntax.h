// authres/syntax.h: the lexical elements of an Authentication-Results field. RFC 8601 §2.2, RFC
// 2045 §5.1 (token), RFC 5322 §3.2 (comments, quoted strings), RFC 6532 (UTF-8). Linear; nesting of
// comments is counted, without recursion.
// Errors: nullopt or false; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::authres {

//   token   = 1*<any CHAR except SPACE, CTLs and tspecials>
//   Keyword = Ldh-str
bool is_token(std::string_view text);
bool is_keyword(std::string_view text);
// [ [ local-part ] "@" ] domain-name, the local part a dot-atom; more lenient for what others
// write: domains may have underscores and letters of any script.
bool is_address_or_domain(std::string_view text);
// Exactly domain-name: at least two labels, of letters, digits and inner hyphens.
bool is_plain_domain(std::string_view text);
// The text without control characters (also C1 and the line ends of Unicode) and invalid UTF-8, cut
// between characters to `limit` octets.
std::string cleaned(std::string_view text, std::size_t limit);

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t position() const { return at_; }
  void back_to(std::size_t position) { at_ = position; }
  bool next_is(char c) const { return !at_end() && text_[at_] == c; }
  bool take(char c);

  // CFWS. False for a comment that does not end, nests too deep or holds a control character.
  bool skip_cfws();
  // The text of a quoted string, unquoted. nullopt if there is none here or it is broken.
  std::optional<std::string> take_quoted();
  // The octets before the next blank, semicolon, parenthesis, `=`, `/` or quote; also before a dot
  // unless `with_dots`.
  std::string_view take_word(bool with_dots);
  // The octets before the next blank, semicolon or parenthesis.
  std::string_view take_run();
  // Recovery, for lenient reading.
  void skip_past_word();
  void skip_to_semicolon();

 private:
  bool skip_comment();
  std::string_view take_until(std::string_view ends);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace sekisho::authres
