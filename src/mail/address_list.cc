#include "mail/address_list.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/encoded_word.h"
#include "mail/ip_address.h"
#include "mail/limits.h"
#include "mail/name_text.h"

namespace sekisho::mail {

namespace {

// address-list = (address *("," address)) / obs-addr-list
// address      = mailbox / group
// mailbox      = name-addr / addr-spec
// name-addr    = [display-name] [CFWS] "<" [obs-route] addr-spec ">" [CFWS]
// group        = display-name ":" [group-list] ";" [CFWS]
// addr-spec    = local-part "@" domain                         (RFC 5322 §3.4, §3.4.1)
// obs-route    = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":"
// obs-local-part = word *("." word);  obs-domain = atom *("." atom)    (§4.4)

enum class Kind { word, quoted, special, end };

struct Token {
  Kind kind = Kind::end;
  char special = '\0';
  std::string text;  // of a word; of a quoted string without quotes, quoted pairs and folds
  std::size_t at = 0;
  bool gap = false;          // blanks or a comment stood before it
  bool fold = false;         // with a fold among them
  bool comment = false;      // with a comment among them
  bool attached = false;     // which they begin with
  bool odd_comment = false;  // a comment that no honest address has within
  bool runs_on = false;      // a comment that some readers end at its first ), inside a word
  bool folded = false;       // a fold stood in it
  bool pair = false;         // a quoted pair stood in it

  bool is(char c) const { return kind == Kind::special && special == c; }
  bool is_word() const { return kind == Kind::word || kind == Kind::quoted; }
};

// atext (RFC 5322 §3.2.3, RFC 6532 §3.2) and the dot: an atom and a dot-atom are one word here,
// with dots anywhere, for local parts like "a..b" and names like "J. Doe" are common.
bool is_word_octet(char c) {
  return ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos);
}

bool looks_like_address(std::string_view text) {
  return text.find_first_of("<>@,") != std::string_view::npos;
}

// nodemailer knows neither nested comments nor escapes: it takes the text behind the first ) for a
// part of the word before the comment.
bool runs_on_in_a_word(std::string_view comment) {
  const auto end = comment.find(')');
  return end != std::string_view::npos && end + 1 < comment.size() &&
         !ascii::is_blank(comment[end + 1]) &&
         std::string_view("<>),;").find(comment[end + 1]) == std::string_view::npos;
}

// Also true if that appears only when its encoded words are decoded.
bool names_address(const std::string& name) {
  return (name + encoded_octets(name)).find('@') != std::string::npos;
}

// Cuts the value into tokens, one at a time, over comments and blanks (CFWS, RFC 5322 §3.2.2).
class Lexer {
 public:
  explicit Lexer(std::string_view value) : value_(value) {}

  Expected<Token> next() {
    Token token;
    if (const auto skipped = skip_gap(token); !skipped) {
      return tl::unexpected<ParseError>(skipped.error());
    }
    token.at = at_;
    if (at_ == value_.size()) return token;
    if (value_[at_] == '"') return quoted(std::move(token));
    if (is_word_octet(value_[at_])) return word(std::move(token));
    token.kind = Kind::special;
    token.special = value_[at_++];
    return token;
  }

  // The text up to the ] of a domain-literal whose [ was the last token.
  Expected<std::string> literal() {
    const std::size_t end = value_.find(']', at_);
    if (end == std::string_view::npos) return parse_error("a [ without ]", at_);
    const std::string text(ascii::trim(value_.substr(at_, end - at_)));
    at_ = end + 1;
    return text;
  }

 private:
  Expected<void> skip_gap(Token& token) {
    token.attached = at_ < value_.size() && value_[at_] == '(';
    while (at_ < value_.size()) {
      if (value_[at_] == '(') {
        const std::size_t start = at_;
        if (const auto skipped = skip_comment(); !skipped) return skipped;
        const auto comment = value_.substr(start + 1, at_ - start - 2);
        token.comment = true;
        token.odd_comment |= comment.find_first_of("@<>(\"\\\r") != std::string_view::npos;
        token.runs_on |= runs_on_in_a_word(comment);
      } else if (ascii::is_blank(value_[at_])) {
        token.fold |= value_[at_] == '\r';
        ++at_;
      } else {
        break;
      }
      token.gap = true;
    }
    return {};
  }

  // Counts the nesting instead of recursing.
  Expected<void> skip_comment() {
    const std::size_t start = at_;
    std::size_t depth = 0;
    bool pair = false;
    for (; at_ < value_.size(); ++at_) {
      if (value_[at_] == '\\') {
        ++at_;
        pair = true;
      } else if (value_[at_] == '(') {
        if (++depth > limits::comment_nesting) return parse_error("comments nested too deep", at_);
      } else if (value_[at_] == ')' && --depth == 0) {
        ++at_;
        return check_comment(value_.substr(start, at_ - start), pair, start);
      }
    }
    return parse_error(fault::open_comment, start);
  }

  // Python's email.utils ends a comment at a fold.
  // Others end it at the first parenthesis.
  static Expected<void> check_comment(std::string_view text, bool pair, std::size_t at) {
    if (!looks_like_address(text)) return {};
    if (pair) return parse_error(fault::escape, at);
    const bool folded = text.find('\r') != std::string_view::npos;
    if (folded && text.find('@') != std::string_view::npos) return parse_error(fault::folded, at);
    if (text.find('(', 1) != std::string_view::npos) {
      return parse_error(fault::comment_as_address, at);
    }
    return {};
  }

  Expected<Token> quoted(Token token) {
    token.kind = Kind::quoted;
    for (++at_; at_ < value_.size(); ++at_) {
      char c = value_[at_];
      if (c == '"') {
        ++at_;
        return token;
      }
      if (c == '\\' && at_ + 1 < value_.size()) {
        c = value_[++at_];
        token.pair = true;
      }
      if (c == '\r' || c == '\n') {
        token.folded = true;
      } else {
        token.text += c;
      }
    }
    return parse_error(fault::open_quote, token.at);
  }

  Expected<Token> word(Token token) {
    token.kind = Kind::word;
    while (at_ < value_.size() && is_word_octet(value_[at_])) ++at_;
    token.text = value_.substr(token.at, at_ - token.at);
    return token;
  }

  std::string_view value_;
  std::size_t at_ = 0;
};

// The name of an unexpected token, for an error.
const char* name_of_fault(const Token& token) {
  if (token.kind == Kind::end) return "a name without an address";
  switch (token.special) {
    case ',':
      return fault::comma;
    case ';':
      return "a semicolon outside quotes";
    case '>':
      return "a > without <";
    case ')':
      return "a ) without (";
    case '\\':
      return "a backslash outside quotes";
    default:
      return "an unexpected character";
  }
}

// An addr-spec: a mailbox, or one at an IP address.
struct Address {
  std::optional<Mailbox> mailbox;
  bool plain = true;  // without anything of RFC 5322 §4.4
};

class Parser {
 public:
  explicit Parser(std::string_view value) : lexer_(value) {}

  Expected<AddressList> run() {
    auto step = advance();
    while (step && token_.kind != Kind::end) step = member();
    // Where an address is expected, nodemailer takes a comment for one.
    if (step && member_empty_ && token_.odd_comment) step = error(fault::comment_as_address);
    if (step && in_group_) step = error("a colon outside quotes, or a group without its semicolon");
    if (!step) return tl::unexpected<ParseError>(step.error());
    return std::move(list_);
  }

 private:
  using Words = std::vector<Token>;

  Expected<void> advance() {
    auto token = lexer_.next();
    if (!token) return tl::unexpected<ParseError>(token.error());
    token_ = std::move(*token);
    return {};
  }
  tl::unexpected<ParseError> error(const char* what) const { return parse_error(what, token_.at); }

  bool at_end_of_member() const {
    return token_.kind == Kind::end || token_.is(',') || (in_group_ && token_.is(';'));
  }

  // One address, one comma (members may be empty, RFC 5322 §4.4), or the end of a group.
  Expected<void> member() {
    if (member_empty_ && token_.odd_comment && (token_.is(',') || token_.is(';'))) {
      return error(fault::comment_as_address);
    }
    if (token_.is(',')) {
      member_empty_ = true;
      return advance();
    }
    if (token_.is(';')) return end_group();
    Words words;
    for (;;) {
      if (token_.is('@')) return bare_address(words);
      if (token_.is('<')) return angle_address(words);
      if (token_.is(':')) return begin_group(words);
      // "[List] Alice <a@b>" is not allowed, is written often, and is read the same by everyone.
      if (!token_.is_word() && !token_.is('[') && !token_.is(']')) {
        return error(name_of_fault(token_));
      }
      if (token_.kind == Kind::special) token_.text = token_.special;
      words.push_back(std::move(token_));
      if (auto step = advance(); !step) return step;
    }
  }

  // The display name. If it has both a quoted pair and syntax of an address, the author depends on
  // a backslash. sendmail loses such a backslash when it quotes a name anew, and then a part of the
  // name becomes an address.
  static Expected<std::string> phrase(const Words& words) {
    std::string text;
    bool pair = false;
    for (const auto& word : words) {
      if (!text.empty() && word.gap) text += ' ';
      text += word.text;
      pair |= word.pair;
      // Python's email.utils ends a quoted string at a fold.
      if (word.folded && word.text.find('@') != std::string::npos)
        return parse_error(fault::folded, word.at);
    }
    if (pair && looks_like_address(text)) return parse_error(fault::escape, words.front().at);
    return text;
  }

  Expected<void> begin_group(const Words& words) {
    if (words.empty()) return error("a group without a name");
    if (in_group_) return error("a group in a group");
    const auto name = phrase(words);
    if (!name) return tl::unexpected<ParseError>(name.error());
    if (names_address(*name)) return error(fault::address_in_name);
    // sendmail quotes the two halves separately, so another text is decoded then.
    if (name->find("=?") != std::string::npos && !holds_encoded_word(*name)) {
      return error("a colon within an encoded word");
    }
    in_group_ = member_empty_ = true;
    return advance();
  }

  Expected<void> end_group() {
    if (!in_group_) return error("a semicolon outside quotes");
    in_group_ = member_empty_ = false;
    if (auto step = advance(); !step) return step;
    return at_end_of_member() ? Expected<void>() : error("text after a group");
  }

  // `local@domain`, and perhaps the same in angle brackets after it: programs that use the address
  // as a name forget the quotes, and readers differ only when the two are not the same.
  Expected<void> bare_address(const Words& words) {
    auto address = after_local_part(words, /*in_brackets=*/false);
    if (!address) return tl::unexpected<ParseError>(address.error());
    if (!token_.is('<')) return keep("", std::move(*address));
    auto inner = in_angle_brackets();
    if (!inner) return tl::unexpected<ParseError>(inner.error());
    const auto& name = address->mailbox;
    const auto& mailbox = inner->mailbox;
    if (!name || !mailbox || mailbox->domain != name->domain ||
        !ascii::iequals(mailbox->local_part, name->local_part)) {
      return error("an address in place of the name");
    }
    return keep(name->text(), std::move(*inner));
  }

  Expected<void> angle_address(const Words& words) {
    auto name = phrase(words);
    if (!name) return tl::unexpected<ParseError>(name.error());
    auto address = in_angle_brackets();
    if (!address) return tl::unexpected<ParseError>(address.error());
    // Readers that cannot parse an old form, or the brackets that we tolerate, show the name
    // instead of the address.
    const bool plain = address->plain && name->find_first_of("[]") == std::string::npos;
    if (!plain && names_address(*name)) return error(fault::address_in_name);
    return keep(std::move(*name), std::move(*address));
  }

  Expected<void> keep(std::string name, Address address) {
    if (!at_end_of_member()) return error(fault::after_address);
    member_empty_ = false;
    if (list_.mailboxes.size() + list_.literals == limits::address_list_mailboxes) {
      return error("too many mailboxes");
    }
    if (address.mailbox) {
      list_.mailboxes.push_back({std::move(name), std::move(*address.mailbox)});
    } else {
      ++list_.literals;
    }
    return {};
  }

  Expected<Address> in_angle_brackets() {
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    const bool route = token_.is('@');
    if (route && token_.comment) return error(fault::comment_within);
    if (route) {
      if (auto step = skip_route(); !step) return tl::unexpected<ParseError>(step.error());
    }
    auto local = words();
    if (!local) return tl::unexpected<ParseError>(local.error());
    if (local->empty()) return error("no address in angle brackets");
    if (local->front().odd_comment) return error(fault::comment_within);
    auto address = after_local_part(*local, /*in_brackets=*/true);
    if (!address) return address;
    if (token_.odd_comment) return error(fault::comment_within);
    if (!token_.is('>')) return error("no > after the address");
    address->plain &= !route && !token_.gap;
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    return address;
  }

  Expected<Words> words() {
    Words all;
    while (token_.is_word()) {
      all.push_back(std::move(token_));
      if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    }
    return all;
  }

  // RFC 5322 §4.4: a route is to be ignored. One of several hosts is not read: many readers end an
  // address at its comma.
  Expected<void> skip_route() {
    if (auto step = advance(); !step) return step;
    if (const auto host = domain(/*with_gaps=*/true); !host) {
      return tl::unexpected<ParseError>(host.error());
    }
    if (!token_.is(':')) return error("a route of more than one host");
    return advance();
  }

  // `@domain`, or an address literal. Outside brackets no blank may stand in the domain: readers
  // differ in where it ends then.
  Expected<Address> after_local_part(const Words& words, bool in_brackets) {
    if (!token_.is('@')) return error("an address without @");
    if (token_.odd_comment) return error(fault::comment_within);
    auto local = local_part(words);
    if (!local) return tl::unexpected<ParseError>(local.error());
    bool plain = !token_.gap && words.size() == 1 && (!in_brackets || !words.front().gap);
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    if (token_.is('[')) return at_literal();
    plain &= !token_.gap && !token_.text.ends_with('.');
    const std::size_t octets = token_.text.size();
    const bool ends_foreign =
        !token_.text.empty() && static_cast<unsigned char>(token_.text.back()) >= 0x80;
    auto name = domain(in_brackets);
    if (!name) return tl::unexpected<ParseError>(name.error());
    if (!in_brackets && token_.odd_comment && token_.attached) return error(fault::comment_within);
    if (!in_brackets && token_.runs_on) return error(fault::comment_within);
    // nodemailer ends the domain there.
    if (!in_brackets && ends_foreign)
      return error("a domain outside brackets that does not end in ASCII");
    plain &= octets >= name->text().size();
    return Address{Mailbox{std::move(*local), std::move(*name)}, plain};
  }

  Expected<Address> at_literal() {
    const auto text = lexer_.literal();
    if (!text) return tl::unexpected<ParseError>(text.error());
    const std::string_view address =
        ascii::istarts_with(*text, "IPv6:") ? std::string_view(*text).substr(5) : *text;
    if (!IpAddress::parse(address)) return error("brackets without an IP address");
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    return Address{};
  }

  Expected<DomainName> domain(bool with_gaps) {
    if (token_.kind != Kind::word) return error("no domain after the @");
    const std::size_t at = token_.at;
    std::string text;
    while (token_.kind == Kind::word &&
           (text.empty() || (with_gaps && (text.ends_with('.') || token_.text.starts_with('.'))))) {
      if (token_.odd_comment) return error(fault::comment_within);
      if (!text.empty() && token_.fold) return error("a fold within a domain");
      text += token_.text;
      if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    }
    // A reader that ends such a comment too early (nodemailer) takes the rest of it for the rest of
    // a name that ends in a dot.
    if (text.ends_with('.') && token_.odd_comment) return error(fault::comment_within);
    auto name = DomainName::parse(text);
    if (!name) return parse_error(name.error().what, at);
    return std::move(*name);
  }

  static Expected<std::string> local_part(const Words& words) {
    std::string text;
    for (const auto& word : words) {
      if (word.kind == Kind::special || (!text.empty() && joins_not(text, word))) {
        return parse_error(fault::at_in_name, word.at);
      }
      if (!text.empty() && word.odd_comment) return parse_error(fault::comment_within, word.at);
      if (const auto checked = check_word(word); !checked) {
        return tl::unexpected<ParseError>(checked.error());
      }
      text += word.text;
    }
    if (words.empty() || text.empty()) return parse_error("no name before the @");
    if (text.size() > limits::local_part_octets) return parse_error("the local part is too long");
    if (!is_utf8(text)) return parse_error("a local part that is not UTF-8", words.front().at);
    // RFC 2047 §5 forbids encoded words in an address; some readers decode them all the same.
    if (holds_encoded_word(text)) {
      return parse_error("an encoded word in an address", words.front().at);
    }
    return text;
  }
  static bool joins_not(const std::string& text, const Token& word) {
    const bool dot_after = word.kind == Kind::word && word.text.starts_with('.');
    return !text.ends_with('.') && !dot_after;
  }
  // A quoted string before the @ must not look like an address of its own: some readers show the
  // one in the quotes.
  static Expected<void> check_word(const Token& word) {
    if (word.folded || std::any_of(word.text.begin(), word.text.end(), ascii::is_control)) {
      return parse_error("a fold or a tab in a local part", word.at);
    }
    if (word.pair || word.text.find_first_of("@<>,;") != std::string::npos) {
      return parse_error(fault::quoted_local_part, word.at);
    }
    return {};
  }

  Lexer lexer_;
  Token token_;
  bool in_group_ = false;
  bool member_empty_ = true;
  AddressList list_;
};

}  // namespace

Expected<AddressList> parse_address_list(std::string_view value) {
  if (const auto checked = check_text(value, Controls::refused); !checked) {
    return tl::unexpected<ParseError>(checked.error());
  }
  return Parser(value).run();
}

}  // namespace sekisho::mail
