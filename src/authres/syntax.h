// authres/syntax.h: the words that an Authentication-Results field is made of.
// RFC 8601 §2.2, RFC 2045 §5.1 (token), RFC 5322 §3.2 (comments, quoted strings), RFC 6532 (UTF-8).
// Linear; comments nest by counting. Errors: nothing or false; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::authres {

//   token   = 1*<any CHAR except SPACE, CTLs and tspecials>
//   Keyword = Ldh-str
bool is_token(std::string_view text);
bool is_keyword(std::string_view text);
// [ [ local-part ] "@" ] domain-name, the local part a dot-atom; what others may write: domains
// have underscores too, and letters of any script.
bool is_address_or_domain(std::string_view text);
// domain-name to the letter: at least two labels, of letters, digits and inner hyphens.
bool is_plain_domain(std::string_view text);
// Without control characters (C1 and Unicode's line ends among them) and what is not UTF-8, cut
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
  // The text of a quoted string, unquoted. Nothing when there is none here or it is broken.
  std::optional<std::string> take_quoted();
  // The octets before the next blank, semicolon, parenthesis, `=`, `/` or quote; also before a dot
  // unless it is to be kept.
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
