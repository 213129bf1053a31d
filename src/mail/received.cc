#include "mail/received.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "mail/limits.h"
#include "mail/stamp_date.h"
#include "mail/tcp_info.h"

namespace sekisho::mail {

namespace {

// RFC 5321 §4.4, of which MTAs keep little but the first clauses:
//   Time-stamp-line = "Received:" FWS Stamp CRLF
//   Stamp           = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
//   From-domain     = "FROM" FWS Extended-Domain
//   By-domain       = CFWS "BY" FWS Extended-Domain
//   Extended-Domain = Domain / ( Domain FWS "(" TCP-info ")" )
//                   / ( address-literal FWS "(" TCP-info ")" )
//   Opt-info        = [Via] [With] [ID] [For]

enum class Kind { word, comment, semicolon, end };

struct Token {
  Kind kind = Kind::end;
  std::string_view text;  // of a comment without its parentheses
  std::size_t at = 0;
};

// Words, comments and semicolons. A quotation mark means nothing here: MTAs copy those of the
// client in HELO texts and names of certificates, and a quoted string that begins there would hide
// the host's own words.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Expected<Token> next() {
    while (at_ < text_.size() && ascii::is_wsp(text_[at_])) ++at_;
    if (at_ == text_.size()) return Token{Kind::end, {}, at_};
    const char c = text_[at_];
    if (c == '(') return comment();
    if (c == ')') return parse_error("a ) without its (", at_);
    if (c == ';') return Token{Kind::semicolon, text_.substr(at_, 1), at_++};
    return word();
  }

 private:
  // Counts the nesting instead of recursing.
  Expected<Token> comment() {
    const std::size_t start = at_;
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '(') {
        if (++depth > limits::comment_nesting) return parse_error("comments nested too deep", at_);
      } else if (text_[at_] == ')' && --depth == 0) {
        ++at_;
        return Token{Kind::comment, text_.substr(start + 1, at_ - start - 2), start};
      }
    }
    return parse_error("a comment without end", start);
  }

  // `<…>` is one word up to its `>`, for a path may hold parentheses. If there is a blank in it, it
  // is not a path but plain words, so that it cannot hide the rest of the field.
  Token word() {
    const std::size_t start = at_;
    const auto blank = std::min(text_.find_first_of(" \t", start), text_.size());
    const auto path_end = text_.substr(start, blank - start).find('>');
    if (text_[start] == '<' && path_end != std::string_view::npos) {
      at_ = start + path_end + 1;
    } else {
      at_ = std::min(text_.find_first_of("();", start), blank);
    }
    return Token{Kind::word, text_.substr(start, at_ - start), start};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Folds become one blank; octets that are not text are an error.
Expected<std::string> unfolded(std::string_view value) {
  if (value.size() > limits::received_octets) return parse_error("the field is too long");
  std::string text;
  text.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::size_t line_end = value.substr(i, 2) == "\r\n" ? 2 : value[i] == '\n' ? 1 : 0;
    const std::size_t next = i + line_end;
    const bool fold = line_end > 0 && (next == value.size() || ascii::is_wsp(value[next]));
    if (fold) {
      text += ' ';
      i = next - 1;
    } else if (value[i] != '\t' && ascii::is_control(value[i])) {
      return parse_error("a control character", i);
    } else {
      text += value[i];
    }
  }
  return text;
}

// The clauses of a field, before they are interpreted.
struct Stamp {
  Received field;
  bool has_from = false;
  std::vector<std::string_view> before_by;  // comments
  // words between the one after "from" and the next clause
  std::vector<std::string_view> extra_from;
  std::string_view after_by;  // the first comment of the by clause: the software
  std::vector<std::string_view> after_with;
  std::vector<std::string_view> date_words;  // of what follows the last semicolon
};

// The order of clauses matters little, and the text behind the client not at all: MTAs write
// clauses twice, dates of every kind, and notes of their own. One thing must hold: "from" and "by"
// occur once, wherever in the field. A client that smuggles clauses in by its HELO, so that the
// host's own words look like those of a later clause or of the date, cannot remove the host's own
// "by".
class StampReader {
 public:
  explicit StampReader(std::string_view text) : lexer_(text) {}

  Expected<Stamp> read() {
    for (;;) {
      const auto token = lexer_.next();
      if (!token) return tl::unexpected<ParseError>(token.error());
      if (token->kind == Kind::end) break;
      const auto taken = take(*token);
      if (!taken) return tl::unexpected<ParseError>(taken.error());
    }
    if (seen_ == Seen{} && stamp_.before_by.empty()) return parse_error("an empty field");
    // qmail's queue writes a comment and nothing else.
    if (stamp_.field.by.empty() && seen_ != Seen{}) return parse_error("a field without by");
    stamp_.field.date = read_date(stamp_.date_words);
    return std::move(stamp_);
  }

 private:
  enum Clause : std::size_t { from, by, via, with, id, recipient, none };
  using Seen = std::array<bool, none>;

  static Clause clause_of(std::string_view word) {
    static constexpr std::array<std::string_view, none> names{"from", "by", "via",
                                                              "with", "id", "for"};
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](auto name) { return ascii::iequals(name, word); });
    return static_cast<Clause>(found - names.begin());
  }

  std::string& value_of(Clause clause) {
    Received& field = stamp_.field;
    const std::array<std::string*, none> values{&field.from, &field.by, &field.via,
                                                &field.with, &field.id, &field.recipient};
    return *values.at(clause);
  }

  Expected<void> take(const Token& token) {
    if (token.kind == Kind::semicolon) {
      in_date_ = true;
      clause_ = none;
      stamp_.date_words.clear();
    } else if (token.kind == Kind::comment) {
      if (!in_date_) take_comment(token);
    } else {
      return in_date_ ? take_date_word(token) : take_word(token);
    }
    return {};
  }

  // Every comment before "by" may hold an address, whatever its clause.
  void take_comment(const Token& token) {
    if (!seen_[by]) {
      stamp_.before_by.push_back(token.text);
    } else if (clause_ == by && stamp_.after_by.empty()) {
      stamp_.after_by = token.text;
    } else if (clause_ == with) {
      stamp_.after_with.push_back(token.text);
    }
  }

  Expected<void> take_word(const Token& token) {
    // The word after "from" is always its value: a client may say HELO by.
    const bool free = !(clause_ == from && stamp_.field.from.empty());
    const Clause clause = free ? clause_of(token.text) : none;
    if (clause != none) return begin(clause, token.at);
    if (clause_ == none) {
      if (seen_ == Seen{}) return parse_error("text before the first clause", token.at);
      return {};
    }
    std::string& value = value_of(clause_);
    if (value.empty()) {
      value = token.text;
    } else if (clause_ == with) {
      value += ' ';
      value += token.text;
    } else if (clause_ == from) {
      stamp_.extra_from.push_back(token.text);
    }
    return {};  // later clauses have additions of their own: "id 1.2 envelope-from <a@b>"
  }

  Expected<void> begin(Clause clause, std::size_t at) {
    if (seen_.at(clause)) {
      if (clause == from || clause == by) return parse_error("a clause given twice", at);
      clause_ = none;  // "with ESMTP with STARTTLS": the first one counts
      return {};
    }
    if (clause == from && seen_ != Seen{}) return parse_error("from after other clauses", at);
    seen_.at(clause) = true;
    stamp_.has_from = seen_[from];
    clause_ = clause;
    return {};
  }

  // Courier writes the id after the date.
  Expected<void> take_date_word(const Token& token) {
    const Clause clause = clause_of(token.text);
    if (clause == from || clause == by) return parse_error("a clause behind the date", token.at);
    if (clause_ == id && stamp_.field.id.empty()) {
      stamp_.field.id = token.text;
    } else if (clause != none) {
      clause_ = clause;
    } else if (clause_ == none) {
      stamp_.date_words.push_back(token.text);
    }
    return {};
  }

  Lexer lexer_;
  Stamp stamp_;
  Seen seen_{};
  Clause clause_ = none;
  bool in_date_ = false;
};

// How the software that wrote the field lays out its from clause.
enum class Layout {
  unknown,
  helo_first,    // from HELO (name [address])
  exim,          // from [address] (helo=HELO), from name ([address] helo=HELO)
  client_words,  // chasquid: from [address] (HELO), with the client's own text in the comment
};

Layout layout_of(const Stamp& stamp) {
  for (const auto comment : stamp.after_with) {
    if (comment.starts_with("Exim ")) return Layout::exim;
  }
  if (stamp.after_by == "chasquid") return Layout::client_words;
  // "8.": sendmail, "8.17.1/8.17.1".
  for (const char* software : {"Postfix", "8.", "OpenSMTPD", "Haraka", "Stalwart", "Sekisho"}) {
    if (stamp.after_by.starts_with(software)) return Layout::helo_first;
  }
  return stamp.field.with.starts_with("Microsoft SMTP") ? Layout::helo_first : Layout::unknown;
}

// "(HELO x)" of qmail, "(helo=x)" of Exim: the client's word, where no address is sought.
std::optional<std::string> helo_comment(std::string_view comment) {
  if (begins_with_pair(comment)) return helo_of_pairs(comment);
  for (const char* verb : {"HELO ", "EHLO ", "LHLO "}) {
    if (ascii::istarts_with(comment, verb)) return std::string(ascii::trim(comment.substr(5)));
  }
  return std::nullopt;
}

// The comment does not hide text of the host: its TCP-info could stand inside a comment that the
// client opened.
bool is_plain_helo(std::string_view comment) {
  return comment.find('(') == std::string_view::npos && !mentions_address(comment);
}

// Comments of Postfix and Courier with names in them that the client chose: of its certificate, of
// its login.
bool has_client_text(std::string_view comment) {
  for (const char* begin : {"Client CN ", "Authenticated sender: ", "AUTH: ", "TLS: "}) {
    if (comment.starts_with(begin)) return true;
  }
  return false;
}

struct Clients {
  std::vector<TcpInfo> found;
  std::optional<std::string> helo;
  bool unclear = false;  // an address in a comment of an unknown kind
  bool local = false;
};

Clients clients_of(const Stamp& stamp) {
  Clients clients;
  clients.unclear = std::any_of(stamp.extra_from.begin(), stamp.extra_from.end(), mentions_address);
  for (auto comment : stamp.before_by) {
    // sendmail without HELO: "(from name [192.0.2.1]) by …"; its own users: "(from root@localhost)
    // by …".
    const bool sendmail = !stamp.has_from && ascii::istarts_with(comment, "from ");
    if (sendmail) comment.remove_prefix(5);
    if (auto helo = helo_comment(comment)) {
      clients.helo = std::move(helo);
    } else if (has_client_text(comment)) {
      continue;
    } else if (auto info = parse_tcp_info(comment)) {
      clients.found.push_back(std::move(*info));
    } else if (mentions_address(comment)) {
      clients.unclear = true;
    } else if (sendmail || comment.starts_with("uid ")) {
      clients.local = true;
    }
  }
  return clients;
}

// Only a comment after "by" counts: the comments before it can be the client's.
bool is_local(const Stamp& stamp, const Clients& clients, Layout layout) {
  if (!stamp.has_from) {
    return clients.local || stamp.after_by.find(", from userid ") != std::string_view::npos;
  }
  const bool dma = stamp.after_by.starts_with("DragonFly Mail Agent");
  return (dma && clients.local) ||
         (layout == Layout::exim && ascii::istarts_with(stamp.field.with, "local"));
}

void tell_client(const TcpInfo& info, const Clients& clients, Layout layout, Received& field) {
  if (!info.address) {
    field.source = Received::Source::local;
    return;
  }
  field.source = Received::Source::client;
  field.address = info.address;
  field.may_be_forged = info.may_be_forged;
  field.name = info.name;
  const bool literal = parse_address_text(field.from).has_value();
  const bool name_first = layout == Layout::exim || clients.helo || !info.helo.empty();
  if (name_first && layout != Layout::helo_first && !literal && field.name.empty() &&
      !ascii::iequals(field.from, "unknown")) {
    field.name = field.from;
  }
  // Exim and qmail leave the HELO out where it is the name.
  field.helo = clients.helo ? *clients.helo : info.helo.empty() ? field.from : info.helo;
}

// Decides which of the addresses the host took from its socket.
void tell_source(const Stamp& stamp, Received& field) {
  const Layout layout = layout_of(stamp);
  const Clients clients = clients_of(stamp);
  const auto from_address = parse_address_text(field.from);
  const bool exim_literal =
      layout == Layout::exim && from_address.has_value() && field.from.starts_with('[');
  // Yahoo: "from 192.0.2.1 (EHLO name) by …". The comment is the client's text, so the address
  // before it is the host's.
  const bool helo_apart = from_address && layout == Layout::unknown && clients.helo &&
                          stamp.before_by.size() == 1 && is_plain_helo(stamp.before_by[0]);
  const bool other_from = from_address && !clients.found.empty() && layout != Layout::helo_first &&
                          clients.found[0].address != from_address;

  if (layout == Layout::client_words) {
    field.reason = "its software writes the client's word where others write the address";
  } else if (clients.unclear || clients.found.size() > 1 || other_from ||
             (exim_literal && !clients.found.empty())) {
    field.reason = "it names more than one client";
  } else if (exim_literal || helo_apart) {
    tell_client({from_address, {}, {}, false}, clients, layout, field);
  } else if (!clients.found.empty()) {
    tell_client(clients.found[0], clients, layout, field);
  } else if (is_local(stamp, clients, layout)) {
    field.source = Received::Source::local;
  } else {
    field.reason = "it names no client";
  }
}

// qmail-queue writes a field of its own, of one comment: "(qmail 1 invoked from network)", "… by
// uid 0)".
void tell_queue(const Stamp& stamp, Received& field) {
  const auto comment = stamp.before_by.empty() ? std::string_view() : stamp.before_by[0];
  const bool queue = stamp.before_by.size() == 1 &&
                     (comment.starts_with("qmail ") || comment.starts_with("nullmailer "));
  if (queue && comment.ends_with(" invoked from network")) {
    field.source = Received::Source::next_field;
  } else if (queue && comment.find(" invoked ") != std::string_view::npos) {
    field.source = Received::Source::local;
  } else {
    field.reason = "it has neither from nor by";
  }
}

}  // namespace

Expected<Received> parse_received(std::string_view value) {
  const auto text = unfolded(value);
  if (!text) return tl::unexpected<ParseError>(text.error());
  auto stamp = StampReader(*text).read();
  if (!stamp) return tl::unexpected<ParseError>(stamp.error());
  Received field = stamp->field;
  if (field.by.empty() && field.from.empty()) {
    tell_queue(*stamp, field);
  } else {
    tell_source(*stamp, field);
  }
  return field;
}

}  // namespace sekisho::mail
