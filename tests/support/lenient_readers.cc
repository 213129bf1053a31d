#include "support/lenient_readers.h"

#include <algorithm>
#include <regex>
#include <vector>

#include "base/ascii.h"
#include "mail/domain_name.h"

namespace sekisho::test {

namespace {

bool one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// Python's email.utils. Recursion is bounded by what a test gives it.
class Atoms {
 public:
  explicit Atoms(std::string_view text) : text_(text) {}

  std::vector<std::string> run() {
    while (more()) address();
    return std::move(shown_);
  }

 private:
  static constexpr std::string_view ends = "()<>@,:;.\"[] \t\r\n";
  static constexpr std::string_view phrase_ends = "()<>@,:;\"[] \t\r\n";

  bool more() const { return at_ < text_.size(); }
  bool is(char c) const { return more() && text_[at_] == c; }

  std::string delimited(std::string_view end, bool comments) {
    std::string out;
    for (++at_; more();) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        out += text_[++at_];
        ++at_;
      } else if (one_of(text_[at_], end)) {
        ++at_;
        break;
      } else if (comments && is('(')) {
        out += delimited(end, comments);
      } else {
        out += text_[at_++];
      }
    }
    return out;
  }
  void comment() { delimited(")\r", true); }
  std::string quotes() { return delimited("\"\r", false); }
  std::string atom(std::string_view end) {
    std::string out;
    while (more() && !one_of(text_[at_], end)) out += text_[at_++];
    return out;
  }
  void gap() {
    while (more()) {
      if (one_of(text_[at_], " \t\r\n")) {
        ++at_;
      } else if (is('(')) {
        comment();
      } else {
        return;
      }
    }
  }

  void phrase() {
    while (more()) {
      if (one_of(text_[at_], " \t\r\n")) {
        ++at_;
      } else if (is('"')) {
        quotes();
      } else if (is('(')) {
        comment();
      } else if (one_of(text_[at_], phrase_ends)) {
        return;
      } else {
        atom(phrase_ends);
      }
    }
  }

  void address() {
    gap();
    const std::size_t begin = at_;
    phrase();
    gap();
    if (is('.') || is('@')) {
      at_ = begin;
      spec();
      if (at_ == begin) ++at_;
    } else if (is(':')) {
      group();
    } else if (is('<')) {
      route();
    } else if (at_ == begin && more()) {
      ++at_;
    }
    gap();
    if (is(',')) ++at_;
  }
  void group() {
    for (++at_; more();) {
      gap();
      if (is(';')) {
        ++at_;
        return;
      }
      const std::size_t before = at_;
      address();
      if (at_ == before) ++at_;
    }
  }
  void route() {
    bool host = false;
    ++at_;
    for (gap(); more(); gap()) {
      if (host) {
        domain();
        host = false;
      } else if (is('>')) {
        ++at_;
        return;
      } else if (is('@')) {
        ++at_;
        host = true;
      } else if (is(':')) {
        ++at_;
      } else {
        spec();
        ++at_;
        return;
      }
    }
  }
  void spec() {
    std::string local;
    for (gap(); more(); gap()) {
      if (is('.')) {
        local += text_[at_++];
      } else if (is('"')) {
        local += quotes();
      } else if (one_of(text_[at_], ends)) {
        break;
      } else {
        local += atom(ends);
      }
    }
    if (!is('@')) return;
    ++at_;
    gap();
    shown_.push_back(local + '@' + domain());
  }
  std::string domain() {
    std::string out;
    while (more()) {
      if (one_of(text_[at_], " \t")) {
        ++at_;
      } else if (is('(')) {
        comment();
      } else if (is('[')) {
        delimited("]\r", false);
      } else if (is('.')) {
        out += text_[at_++];
      } else if (is('@')) {
        return "";
      } else if (one_of(text_[at_], ends)) {
        break;
      } else {
        out += atom(ends);
      }
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> shown_;
};

// nodemailer's addressparser. In its older form a backslash counts everywhere and quoted text is
// searched, too.
class Flat {
 public:
  explicit Flat(std::string_view text) : text_(text) {}

  std::vector<std::string> run() {
    for (const char c : text_) take(c);
    finish();
    return std::move(shown_);
  }

 private:
  void take(char c) {
    if (escaped_) {
      escaped_ = false;
      put(c);
    } else if (expected_ != '\0' && c == expected_) {
      expected_ = '\0';
      state_ = 't';
      joined_ = true;
    } else if (expected_ == '\0' && one_of(c, "\"(<,;:")) {
      begin(c);
    } else if (expected_ == '"' && c == '\\') {
      escaped_ = true;
    } else {
      put(c);
    }
  }
  void begin(char c) {
    if (one_of(c, ",;:")) return finish();
    expected_ = c == '"' ? '"' : c == '(' ? ')' : '>';
    state_ = c == '(' ? 'c' : c == '<' ? 'a' : c == '"' ? 'q' : 't';
    joined_ = false;
    if (state_ == 'a') address_.emplace_back();
    if (state_ == 'c' || state_ == 'q') joined_ = true;
  }
  void put(char c) {
    if (ascii::is_control(c) && c != '\t') c = c == '\n' ? ' ' : '\0';
    if (c == '\0') return;
    switch (state_) {
      case 'a':
        address_.back() += c;
        break;
      case 'c':
        comment_ += c;
        break;
      case 'q':
        quoted_ += c;
        break;
      default:
        words_ += c;
    }
  }
  void finish() {
    if (!address_.empty()) {
      // What stands before another < is a name to it.
      for (const auto& one : address_) {
        const auto open = one.find('<');
        shown_.push_back(open == std::string::npos ? one : one.substr(open + 1));
        break;
      }
    } else {
      from_text(ascii::trim(words_).empty() && quoted_.empty() ? comment_ : words_);
    }
    address_.clear();
    words_.clear();
    quoted_.clear();
    comment_.clear();
    expected_ = '\0';
    state_ = 't';
  }
  void from_text(const std::string& text) {
    static const std::regex address(R"([^@\s]+@[^\s]+)");
    std::smatch match;
    if (std::regex_search(text, match, address)) shown_.push_back(match.str());
  }

  std::string_view text_;
  char expected_ = '\0';
  char state_ = 't';
  bool escaped_ = false;
  bool joined_ = false;
  std::vector<std::string> address_;
  std::string words_, quoted_, comment_;
  std::vector<std::string> shown_;
};

std::size_t end_of_token(std::string_view text, std::size_t at) {
  const char open = text[at];
  if (open == '"' || open == '[') {
    for (std::size_t i = at + 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == (open == '"' ? '"' : ']')) {
        return i + 1;
      }
    }
    return at + 1;
  }
  if (one_of(open, "()<>@,;:\\.]")) return at + 1;
  const auto end = text.find_first_of(" \t\r\n()<>@,;:\\\".[]", at);
  return std::min(end, text.size());
}

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  for (std::size_t at = 0; at < text.size();) {
    if (ascii::is_blank(text[at])) {
      ++at;
    } else if (text[at] == '(') {
      const auto end = text.find(')', at);
      at = end == std::string_view::npos ? text.size() : end + 1;
    } else {
      const std::size_t end = end_of_token(text, at);
      tokens.emplace_back(text.substr(at, end - at));
      at = end;
    }
  }
  return tokens;
}

// Mail::Address.
std::vector<std::string> by_tokens(std::string_view text) {
  const auto tokens = tokens_of(text);
  std::vector<std::string> shown;
  std::string address;
  std::string last;
  bool inside = false;
  const auto complete = [&] {
    shown.push_back(address);
    address.clear();
    last.clear();
  };
  for (auto token = tokens.begin(); token != tokens.end(); ++token) {
    const auto next = std::find_if(token, tokens.end(), [](const std::string& each) {
      return each == "<" || each == "," || each == ";";
    });
    if (*token == "<" || *token == ">") {
      inside = *token == "<";
    } else if (*token == "," || *token == ";") {
      complete();
      inside = false;
    } else if (inside) {
      address += last = *token;
    } else if (next == tokens.end() || *next != "<") {
      const bool joins = one_of((*token)[0], ".@:;") || last.empty() || one_of(last[0], ".@:;");
      if (!joins) complete();
      address += last = *token;
    }
  }
  complete();
  return shown;
}

// Without what stands in quotes and comments, as far as they end.
std::string outline(std::string_view text) {
  std::string out;
  std::size_t depth = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"' && depth == 0) quoted = !quoted;
    if (quoted) continue;
    if (c == '(') ++depth;
    if (depth == 0) out += c;
    if (c == ')' && depth > 0) --depth;
  }
  return quoted || depth > 0 ? std::string(text) : out;
}

std::vector<std::string> by_brackets(std::string_view value) {
  const std::string text = outline(value);
  const auto inside = [&](std::size_t open) {
    if (open == std::string::npos) return std::string();
    const auto close = text.find('>', open);
    return text.substr(open + 1, close == std::string::npos ? close : close - open - 1);
  };
  return {inside(text.find('<')), inside(text.rfind('<'))};
}

// What follows each @ of an address, as far as it looks like a domain; not that of a route, which
// is to be ignored.
void show(const std::string& address, std::set<std::string>& out) {
  static const std::regex route(R"(^[\s<]*(@[^@:,]+,?\s*)+:)");
  static const std::regex around_dots(R"(\s*\.\s*)");
  const std::string text =
      std::regex_replace(std::regex_replace(address, route, ""), around_dots, ".");
  for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at + 1)) {
    const auto begin = text.find_first_not_of(" \t\"'(<", at + 1);
    if (begin == std::string::npos) return;
    const auto end = text.find_first_of(" \t\r\n()<>[]\",;:\\?='@", begin);
    const std::string_view name =
        std::string_view(text).substr(begin, end == std::string::npos ? end : end - begin);
    const auto domain = mail::DomainName::parse(name);
    if (domain && domain->text().find('.') != std::string::npos) out.insert(domain->text());
  }
}

}  // namespace

std::set<std::string> domains_shown(std::string_view value) {
  std::set<std::string> out;
  const std::string_view text = ascii::trim(value);
  for (const auto& readers :
       {Atoms(text).run(), Flat(text).run(), by_tokens(text), by_brackets(text)}) {
    for (const auto& address : readers) show(address, out);
  }
  return out;
}

}  // namespace sekisho::test
