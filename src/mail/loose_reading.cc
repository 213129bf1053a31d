#include "mail/loose_reading.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/address_scan.h"
#include "mail/encoded_word.h"
#include "mail/ip_address.h"
#include "mail/limits.h"
#include "mail/name_text.h"
#include "mail/value_places.h"

namespace sekisho::mail {

namespace {

// Readers of the old kind (Python's email.utils) let a domain go on over blanks: "a@example.com
// Anna" is a@example.comAnna for them. That is another domain for the reader only if there is such
// a top-level domain; those that begin with another one and are open to everybody have 13 letters
// at most ("international").
constexpr std::size_t top_level_letters = 13;

bool is_domain_octet(char c) {
  return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_word_octet(char c) {
  return is_domain_octet(c) ||
         (c != '\0' && std::string_view("!#$%&'*+/=?^`{|}~").find(c) != std::string_view::npos);
}

bool is_foreign(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || (ascii::is_control(c) && !ascii::is_blank(c));
}

// How readers take one @.
struct AtSign {
  enum class Kind {
    // no reader takes it for the @ of an address with a domain: "@handle", an octet of a Japanese
    // charset
    nothing,
    literal,  // an IP address in brackets follows
    address,
    fault,
  };
  Kind kind = Kind::nothing;
  std::string local_part = {};
  std::optional<DomainName> domain = {};
  const char* fault = nullptr;

  static AtSign faulty(const char* fault) { return {Kind::fault, {}, {}, fault}; }
};

// The @ signs of one text, which must outlive this object.
class AtSigns {
 public:
  explicit AtSigns(std::string_view text) : text_(text) {}

  AtSign at(std::size_t sign) const {
    const std::string local = local_part_before(sign);
    const bool quoted = before(sign) == '"';
    const std::size_t begin = over_blanks(sign + 1);
    if (follows(begin, '[')) return literal(begin, local);
    if (follows(begin, '(')) return AtSign::faulty(fault::comment_within);
    const std::string_view run = domain_run(begin);
    if (run.find('.') == std::string_view::npos && !quoted) {
      // No address, unless a reader that goes on over the following text finds a dot.
      const bool foreign = is_octet_of_a_charset(sign, run);
      // ISO-2022-JP has a parenthesis in it: where that is closed, some readers go on behind it.
      if (foreign && text_.find(')', sign) != std::string_view::npos)
        return AtSign::faulty(fault::at_in_name);
      const std::size_t end = begin + run.size();
      const bool apart = end == text_.size() || ascii::is_blank(text_[end]) ||
                         std::string_view(",;:").find(text_[end]) != std::string_view::npos;
      const bool handle = local.empty() && !run.empty() && apart && before(sign) != '<';
      if (handle || foreign) {
        return glued(begin).text.find('.') == std::string::npos ? AtSign{}
                                                                : AtSign::faulty(fault::at_in_name);
      }
      return AtSign::faulty(fault::at_in_name);
    }
    if (quoted) return AtSign::faulty(fault::quoted_local_part);
    return address(local, begin, run);
  }

 private:
  char before(std::size_t sign) const {
    while (sign > 0 && ascii::is_blank(text_[sign - 1])) --sign;
    return sign == 0 ? '\0' : text_[sign - 1];
  }

  std::string local_part_before(std::size_t sign) const {
    std::size_t end = sign;
    while (end > 0 && ascii::is_blank(text_[end - 1])) --end;
    // A comment may stand between the local part and its @.
    if (end > 0 && text_[end - 1] == ')') return ")";
    std::size_t begin = end;
    while (begin > 0 && is_word_octet(text_[begin - 1])) --begin;
    return std::string(text_.substr(begin, end - begin));
  }

  std::size_t over_blanks(std::size_t at) const {
    while (at < text_.size() && ascii::is_blank(text_[at])) ++at;
    return at;
  }
  // Also skips comments that end.
  std::size_t over_gap(std::size_t at) const {
    for (;;) {
      at = over_blanks(at);
      if (at == text_.size() || text_[at] != '(') return at;
      const std::size_t end = end_of_comment(text_, at);
      if (end == std::string_view::npos) return at;
      at = end;
    }
  }

  std::string_view domain_run(std::size_t begin) const {
    std::size_t end = begin;
    while (end < text_.size() && is_domain_octet(text_[end])) ++end;
    return text_.substr(begin, end - begin);
  }

  // The domain for a reader that goes on over gaps.
  struct Glued {
    std::string text;
    std::size_t end = 0;
  };
  Glued glued(std::size_t at) const {
    Glued out;
    while (at < text_.size() && ascii::is_control(text_[at])) ++at;
    while (at < text_.size() && is_word_octet(text_[at])) {
      while (at < text_.size() && is_word_octet(text_[at])) out.text += text_[at++];
      while (at < text_.size() && ascii::is_control(text_[at])) ++at;
      at = over_gap(at);
    }
    out.end = at;
    return out;
  }

  // In ISO-2022-JP and Shift_JIS an @ is half of a character; a reader that does not know the
  // charset sees a word without a dot.
  bool is_octet_of_a_charset(std::size_t sign, std::string_view run) const {
    if (!is_utf8(run) || in_iso_2022(text_, sign)) return true;
    return sign > 0 && is_foreign(text_[sign - 1]) && !is_utf8(text_.substr(0, sign));
  }

  AtSign literal(std::size_t begin, const std::string& local) const {
    const std::size_t end = text_.find(']', begin);
    if (end == std::string_view::npos || local.empty()) return AtSign::faulty(fault::at_in_name);
    std::string_view inside = text_.substr(begin + 1, end - begin - 1);
    if (ascii::istarts_with(inside, "IPv6:")) inside.remove_prefix(5);
    if (!IpAddress::parse(inside)) return AtSign::faulty(fault::at_in_name);
    return {AtSign::Kind::literal, local, {}, nullptr};
  }

  AtSign address(const std::string& local, std::size_t begin, std::string_view run) const {
    if (local == ")") return AtSign::faulty(fault::comment_within);
    if (holds_encoded_word(local)) return AtSign::faulty("an encoded word in an address");
    if (local.size() > limits::local_part_octets || !is_utf8(local)) {
      return AtSign::faulty("a local part that cannot be read");
    }
    auto domain = DomainName::parse(run);
    if (!domain) return AtSign::faulty("a domain that cannot be read");
    if (!ends_for_everybody(begin, begin + run.size())) {
      return AtSign::faulty("text that some readers take for a part of the domain");
    }
    return {AtSign::Kind::address, local, std::move(*domain), nullptr};
  }

  bool follows(std::size_t at, char c) const { return at < text_.size() && text_[at] == c; }

  bool ends_for_everybody(std::size_t begin, std::size_t end) const {
    const bool dot = text_[end - 1] == '.';
    // nodemailer ends a name at the last ASCII octet, unless the address stands in brackets.
    if (is_foreign(text_[end - 1]) && !in_brackets(begin, end)) return false;
    if (end == text_.size()) return true;
    const char c = text_[end];
    // Of 'a@example.com', of "a@example.com", and of an encoded word.
    if (c == '\'' || c == '"') return !dot && (end + 1 == text_.size() || ends_word(end + 1));
    if (text_.substr(end, 2) == "?=") return true;
    if (!ascii::is_blank(c) && std::string_view("<>(),;:]").find(c) == std::string_view::npos)
      return false;
    if (glued_to_a_word(end) || !comments_end_words(end)) return false;
    const std::size_t next = over_gap(end);
    if (next == text_.size()) return true;
    switch (text_[next]) {
      case '<':
        return !dot && opens_address(next);
      case '>':
        return closes(next);
      case ',':
      case ';':
        return true;
      case ')':
      case ']':
        return closes(next);
      case '.':
      case '[':
      case '"':
        return false;
      default:
        return !dot && (is_word_octet(text_[next]) || is_foreign(text_[next])
                            ? next > end && harmless(begin, glued(begin))
                            : true);
    }
  }

  bool in_brackets(std::size_t begin, std::size_t end) const {
    const auto local = text_.substr(0, begin).find_last_not_of("@ ");
    std::size_t first = local == std::string_view::npos ? 0 : local + 1;
    while (first > 0 && is_word_octet(text_[first - 1])) --first;
    return first > 0 && text_[first - 1] == '<' && follows(end, '>');
  }

  bool ends_word(std::size_t at) const {
    return ascii::is_blank(text_[at]) ||
           std::string_view("<>),;").find(text_[at]) != std::string_view::npos;
  }

  // "a@example.com,example.org", "a@example.com(example.org": no name is written so.
  bool glued_to_a_word(std::size_t end) const {
    if (end + 1 == text_.size() || !is_word_octet(text_[end + 1])) return false;
    if (text_[end] == '(') return end_of_comment(text_, end) == std::string_view::npos;
    return std::string_view(",:;").find(text_[end]) != std::string_view::npos;
  }

  // Readers that know no nested comments end one at the first parenthesis, and go on there. Others
  // nest them and know no escapes. Wherever one of them ends a comment, a word must end too.
  bool comments_end_words(std::size_t at) const {
    for (at = over_blanks(at); follows(at, '('); at = over_blanks(at)) {
      const auto end = text_.find(')', at);
      if (end == std::string_view::npos || end + 1 == text_.size()) return true;
      const auto nested = end_without_escapes(at);
      if (!ends_word(end + 1) || (nested < text_.size() && !ends_word(nested))) return false;
      at = end + 1;
    }
    return true;
  }

  // Behind the comment that begins there, to a reader that takes a backslash for a character like
  // any other; npos: it does not end.
  std::size_t end_without_escapes(std::size_t begin) const {
    std::size_t depth = 0;
    for (std::size_t i = begin; i < text_.size(); ++i) {
      if (text_[i] == '(') ++depth;
      if (text_[i] == ')' && --depth == 0) return i + 1;
    }
    return std::string_view::npos;
  }

  // "a@example.com <a@example.com>": the next address, and no word. Within brackets it is none.
  bool opens_address(std::size_t bracket) const {
    const Glued next = glued(over_blanks(bracket + 1));
    return text_.find('<') == bracket && !next.text.empty() && follows(next.end, '@');
  }

  // Some readers ignore an unbalanced bracket, and go on behind it.
  bool closes(std::size_t bracket) const {
    const std::size_t first = text_.find_first_not_of(">)] \t\r\n", bracket);
    if (first == std::string_view::npos) return true;
    if (!comments_end_words(first)) return false;
    const std::size_t next = over_gap(first);
    if (next == text_.size()) return true;
    if (text_[next] == '.') return over_blanks(next + 1) == text_.size();
    if (text_[next] == '<') return text_[bracket] != '>' && opens_address(next);
    return text_[next] == ',' || text_[next] == ';';
  }

  // A domain with more text behind it is another domain for its reader only if that top-level
  // domain exists. Only where it ends at a parenthesis that nobody has opened is that a comment
  // whose beginning was lost. A word that ends at an @ is not a domain at all.
  bool harmless(std::size_t begin, const Glued& name) const {
    const auto between = text_.substr(begin, name.end - begin);
    if (between.find_first_of("\r(") != std::string_view::npos) return false;
    const bool bare = text_.find('<') >= begin;
    if (follows(name.end, '@')) return bare;
    const bool words = std::all_of(name.text.begin(), name.text.end(), is_domain_octet);
    return words && bare && follows(name.end, ')') &&
           name.text.size() - (name.text.rfind('.') + 1) > top_level_letters;
  }

  std::string_view text_;
};

// Reads every text that some reader may take the value for.
class Reader {
 public:
  const char* fault() const { return fault_; }
  bool nothing() const { return fault_ == nullptr && !domain_; }
  const std::optional<DomainName>& domain() const { return domain_; }
  bool literal() const { return literal_; }
  std::vector<Mailbox> take() { return std::move(mailboxes_); }

  // Returns where the addresses stand.
  std::vector<std::size_t> text(std::string_view text) {
    const AtSigns signs(text);
    std::vector<std::size_t> found;
    for (auto at = text.find('@'); at != std::string_view::npos && fault_ == nullptr;
         at = text.find('@', at + 1)) {
      if (++count_ > loose_at_signs) fault_ = "too many @";
      if (take(signs.at(at))) found.push_back(at);
    }
    return found;
  }

 private:
  // Whether it is an address with a local part.
  bool take(AtSign sign) {
    switch (sign.kind) {
      case AtSign::Kind::nothing:
        return false;
      case AtSign::Kind::literal:
        literal_ = true;
        return false;
      case AtSign::Kind::fault:
        fault_ = sign.fault;
        return false;
      case AtSign::Kind::address:
        break;
    }
    if (!domain_) domain_ = sign.domain;
    if (*domain_ != *sign.domain) fault_ = "two addresses with different domains";
    if (sign.local_part.empty()) return false;
    Mailbox mailbox{std::move(sign.local_part), std::move(*sign.domain)};
    if (std::find(mailboxes_.begin(), mailboxes_.end(), mailbox) == mailboxes_.end()) {
      mailboxes_.push_back(std::move(mailbox));
    }
    return true;
  }

  std::optional<DomainName> domain_;
  std::vector<Mailbox> mailboxes_;
  bool literal_ = false;
  std::size_t count_ = 0;
  const char* fault_ = nullptr;
};

// Returns where the addresses stand in the text as it is.
std::vector<std::size_t> read_all(Reader& reader, const std::string& plain) {
  auto found = reader.text(plain);
  if (plain.find("=?") != std::string::npos) {
    reader.text(with_plain_at_signs(decode_encoded_words(plain)));
    reader.text(encoded_octets(plain));
  }
  return found;
}

// The words that sendmail turns into an address of this host: a word before a comma, and the rest
// of a field in which an unclosed quotation mark or parenthesis hides the address. Words behind an
// address without brackets become a part of it.
const char* fault_for_sendmail(std::string_view text, const Places& places,
                               const std::vector<std::size_t>& addresses) {
  if (places.open_quote || places.doubtful_quote) return fault::open_quote;
  if (places.open_comment) return fault::open_comment;
  std::optional<std::size_t> bracket;
  const auto has_address = [&](std::size_t begin, std::size_t end) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](std::size_t at) { return begin < at && at < end; });
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (places.of[i] != Place::plain) continue;
    if (text[i] == ',') return fault::comma;
    if (text[i] == '<') bracket = i;
    if (text[i] == '>' && bracket && !has_address(*bracket, i)) return fault::empty_brackets;
  }
  if (bracket) return has_address(*bracket, text.size()) ? nullptr : fault::empty_brackets;
  std::size_t signs = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    signs += text[i] == '@' && places.of[i] == Place::plain;
  if (signs > 1) return fault::after_address;
  const std::size_t end = text.find_first_of(" \t\r", addresses.front());
  for (std::size_t i = std::min(end, text.size()); i < text.size(); ++i) {
    if (places.of[i] == Place::plain && is_word_octet(text[i])) return fault::after_address;
  }
  return nullptr;
}

}  // namespace

Expected<LooseReading> read_loosely(std::string_view value, Mta mta) {
  if (value.size() > loose_value_octets) return parse_error("a From field that is too long");
  if (const auto checked = check_text(value, Controls::in_names); !checked) {
    return tl::unexpected<ParseError>(checked.error());
  }
  const std::string plain = with_plain_at_signs(ascii::trim(value));
  const Places places = places_in(plain);
  if (places.escape) return parse_error(fault::escape);
  Reader reader;
  const auto found = read_all(reader, plain);
  if (reader.fault() != nullptr) return parse_error(reader.fault());
  if (reader.literal()) return parse_error("an IP address in place of a domain");
  if (Reader().text(ascii::trim(value)).size() != found.size()) {
    return parse_error("a character that looks like an @");
  }
  const bool outside = std::any_of(found.begin(), found.end(),
                                   [&](std::size_t at) { return places.of[at] == Place::plain; });
  if (!outside) return parse_error("no address outside quotes and comments");
  if (rewrites_author(mta)) {
    if (const char* fault = fault_for_sendmail(plain, places, found)) return parse_error(fault);
  }
  return LooseReading{reader.take(), *reader.domain()};
}

bool names_no_domain(std::string_view value) {
  if (value.size() > loose_value_octets || !check_text(value, Controls::in_names)) return false;
  Reader reader;
  read_all(reader, with_plain_at_signs(ascii::trim(value)));
  return reader.nothing();
}

}  // namespace sekisho::mail
