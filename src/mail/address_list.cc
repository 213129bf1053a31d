#include "mail/address_list.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/limits.h"

namespace sekisho::mail {

namespace {

// address-list = (address *("," address)) / obs-addr-list
// address      = mailbox / group
// mailbox      = name-addr / addr-spec
// name-addr    = [display-name] [CFWS] "<" addr-spec ">" [CFWS]
// group        = display-name ":" [group-list] ";" [CFWS]
// addr-spec    = local-part "@" domain                         (RFC 5322 §3.4, §3.4.1)

enum class Kind { word, quoted, special, end };

struct Token {
  Kind kind = Kind::end;
  char special = '\0';
  std::string text;  // of a word; of a quoted string without quotes, quoted pairs and folds
  std::size_t at = 0;
  bool gap = false;      // blanks or a comment stood before it
  bool comment = false;  // a comment stood before it
  bool folded = false;   // a fold stood in it

  bool is(char c) const { return kind == Kind::special && special == c; }
  bool is_word() const { return kind == Kind::word || kind == Kind::quoted; }
};

// atext (RFC 5322 §3.2.3, RFC 6532 §3.2) and the dot: an atom and a dot-atom are one word here,
// with dots anywhere, for local parts like "a..b" and names like "J. Doe" are common.
bool is_word_octet(char c) {
  return ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos);
}

bool is_unreadable(char32_t c) {
  return (c >= 0x80 && c <= 0x9f) || c == 0x2028 || c == 0x2029 || is_bidi_control(c);
}

// What makes two readers see two texts: control octets, line ends that are no folds, text that runs
// backwards. 8-bit octets that are not UTF-8 stay allowed here (old names in Latin-1).
Expected<void> check_octets(std::string_view value) {
  for (std::size_t i = 0; i < value.size();) {
    const char c = value[i];
    if (c == '\r' && value.substr(i, 2) == "\r\n" && i + 2 < value.size() &&
        ascii::is_wsp(value[i + 2])) {
      i += 3;
      continue;
    }
    if (c != '\t' && ascii::is_control(c)) return parse_error("a control character", i);
    const auto character = first_utf8_character(value.substr(i));
    if (character && is_unreadable(character->code_point)) {
      return parse_error("a character that hides or turns text", i);
    }
    i += character ? character->octets : 1;
  }
  return {};
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

 private:
  Expected<void> skip_gap(Token& token) {
    while (at_ < value_.size()) {
      if (value_[at_] == '(') {
        if (const auto skipped = skip_comment(); !skipped) return skipped;
        token.comment = true;
      } else if (ascii::is_blank(value_[at_])) {
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
    for (; at_ < value_.size(); ++at_) {
      if (value_[at_] == '\\') {
        ++at_;
      } else if (value_[at_] == '(') {
        if (++depth > limits::comment_nesting) return parse_error("comments nested too deep", at_);
      } else if (value_[at_] == ')' && --depth == 0) {
        ++at_;
        return {};
      }
    }
    return parse_error("a comment without end", start);
  }

  Expected<Token> quoted(Token token) {
    token.kind = Kind::quoted;
    for (++at_; at_ < value_.size(); ++at_) {
      char c = value_[at_];
      if (c == '"') {
        ++at_;
        return token;
      }
      if (c == '\\' && at_ + 1 < value_.size()) c = value_[++at_];
      if (c == '\r' || c == '\n') {
        token.folded = true;
      } else {
        token.text += c;
      }
    }
    return parse_error("a quoted string without end", token.at);
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

class Parser {
 public:
  explicit Parser(std::string_view value) : lexer_(value) {}

  Expected<std::vector<NamedMailbox>> run() {
    auto step = advance();
    while (step && token_.kind != Kind::end) step = member();
    if (step && in_group_) step = error("a group without ;");
    if (!step) return tl::unexpected<ParseError>(step.error());
    return std::move(mailboxes_);
  }

 private:
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
    if (token_.is(',')) return advance();
    if (token_.is(';')) return end_group();
    std::string phrase;
    Token last;
    for (std::size_t words = 0;; ++words) {
      if (token_.is('@')) {
        return words == 1 && last.is_word() ? bare_address(last) : error("@ in a name");
      }
      if (token_.is('<')) return angle_address(std::move(phrase));
      if (token_.is(':')) return words > 0 ? begin_group() : error("a group without a name");
      // "[List] Alice <a@b>" is not allowed, is written often, and is read the same by everyone.
      if (!token_.is_word() && !token_.is('[') && !token_.is(']')) {
        return error(at_end_of_member() ? "a name without an address" : "an unexpected character");
      }
      if (token_.kind == Kind::special) token_.text = token_.special;
      if (!phrase.empty() && token_.gap) phrase += ' ';
      phrase += token_.text;
      last = std::move(token_);
      if (auto step = advance(); !step) return step;
    }
  }

  Expected<void> begin_group() {
    if (in_group_) return error("a group in a group");
    in_group_ = true;
    return advance();
  }

  Expected<void> end_group() {
    if (!in_group_) return error("; outside a group");
    in_group_ = false;
    if (auto step = advance(); !step) return step;
    return at_end_of_member() ? Expected<void>() : error("text after a group");
  }

  // `local@domain`, and perhaps the same in angle brackets after it: programs that use the address
  // as a name forget the quotes, and readers differ only when the two are not the same.
  Expected<void> bare_address(const Token& local) {
    auto mailbox = after_local_part(local);
    if (!mailbox) return tl::unexpected<ParseError>(mailbox.error());
    if (!token_.is('<')) return keep({{}, std::move(*mailbox)});
    auto inner = in_angle_brackets();
    if (!inner) return tl::unexpected<ParseError>(inner.error());
    if (inner->domain != mailbox->domain ||
        !ascii::iequals(inner->local_part, mailbox->local_part)) {
      return error("another address in place of the name");
    }
    return keep({mailbox->text(), std::move(*inner)});
  }

  Expected<void> angle_address(std::string phrase) {
    auto mailbox = in_angle_brackets();
    if (!mailbox) return tl::unexpected<ParseError>(mailbox.error());
    return keep({std::move(phrase), std::move(*mailbox)});
  }

  Expected<void> keep(NamedMailbox mailbox) {
    if (!at_end_of_member()) return error("text after an address");
    if (mailboxes_.size() == limits::address_list_mailboxes) return error("too many mailboxes");
    mailboxes_.push_back(std::move(mailbox));
    return {};
  }

  // Blanks may stand inside the brackets, comments may not.
  Expected<Mailbox> in_angle_brackets() {
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    if (!token_.is_word() || token_.comment) return error("no address in angle brackets");
    const Token local = std::move(token_);
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    auto mailbox = after_local_part(local);
    if (!mailbox) return mailbox;
    if (!token_.is('>') || token_.comment) return error("no > after the address");
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    return mailbox;
  }

  // `@domain`, without blanks or comments around the `@` (RFC 5322 §4.4 had them; readers differ).
  Expected<Mailbox> after_local_part(const Token& local) {
    if (!token_.is('@') || token_.gap) return error("no @ after the local part");
    if (const auto checked = check_local_part(local); !checked) {
      return tl::unexpected<ParseError>(checked.error());
    }
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    if (token_.kind != Kind::word || token_.gap) return error("no domain after the @");
    auto domain = DomainName::parse(token_.text);
    if (!domain) return parse_error(domain.error().what, token_.at + domain.error().at);
    Mailbox mailbox{local.text, std::move(*domain)};
    if (auto step = advance(); !step) return tl::unexpected<ParseError>(step.error());
    return mailbox;
  }

  // RFC 2047 §5 forbids encoded words in an address; some readers decode them all the same.
  static Expected<void> check_local_part(const Token& local) {
    if (local.text.empty()) return parse_error("an empty local part", local.at);
    if (local.text.size() > limits::local_part_octets) {
      return parse_error("the local part is too long", local.at);
    }
    if (local.folded || std::any_of(local.text.begin(), local.text.end(), ascii::is_control)) {
      return parse_error("a fold or a tab in a local part", local.at);
    }
    if (!is_utf8(local.text)) return parse_error("a local part that is not UTF-8", local.at);
    if (local.text.find("=?") != std::string::npos) {
      return parse_error("an encoded word in an address", local.at);
    }
    return {};
  }

  Lexer lexer_;
  Token token_;
  bool in_group_ = false;
  std::vector<NamedMailbox> mailboxes_;
};

}  // namespace

Expected<std::vector<NamedMailbox>> parse_address_list(std::string_view value) {
  if (const auto checked = check_octets(value); !checked) {
    return tl::unexpected<ParseError>(checked.error());
  }
  return Parser(value).run();
}

}  // namespace sekisho::mail
