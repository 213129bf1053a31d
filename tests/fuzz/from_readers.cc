// The author that we conclude from a From field, beside readers who know less: each takes the first
// or the last <…>, or what looks like an address outside of them, and differs in what it makes of
// quotes, escapes, comments and, where the field is not valid, encoded words. Where we conclude one
// domain, none of them shows a user another. The input is the value of the field; behind a NUL, of
// a second one.
#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/ascii.h"
#include "fuzz/require.h"
#include "mail/author.h"
#include "mail/encoded_word.h"

namespace {

using namespace sekisho;
using fuzz::require;

struct Habits {
  bool escapes;   // a backslash in quotes and comments takes the next octet along
  bool comments;  // comments nest and are left out; else a parenthesis is a character
  bool decodes;   // encoded words first, then the addresses
};

// The value without folds, quoted strings and, by habit, comments. What is left out becomes a
// blank; in a local part only the place counts.
std::string outline(const std::string& value, const Habits& habits) {
  std::string out;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (habits.escapes && c == '\\' && (quoted || depth > 0)) {
      ++i;
    } else if (quoted) {
      if (c == '"') quoted = false;
    } else if (habits.comments && c == '(') {
      ++depth;
    } else if (depth > 0) {
      if (c == ')') --depth;
    } else if (c == '"') {
      quoted = true;
      out += 'q';
    } else if (c != '\r' && c != '\n') {
      out += c;
    }
  }
  return out;
}

// The domain of what stands between brackets or alone; nothing for what is no address.
std::optional<mail::DomainName> domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  std::string domain;
  for (const char c : address.substr(at + 1)) {
    if (!ascii::is_blank(c)) domain += c;
  }
  auto name = mail::DomainName::parse(domain);
  if (!name) return std::nullopt;
  return *name;
}

using Shown = std::set<mail::DomainName>;

void show(Shown& shown, std::string_view address) {
  if (auto domain = domain_of(address)) shown.insert(std::move(*domain));
}

// Between the first `<` and the next `>`, and between the last `<` and the next `>` or the end.
void read_brackets(Shown& shown, std::string_view text) {
  const auto inside = [&](std::size_t open) {
    const std::size_t close = text.find('>', open);
    show(shown, text.substr(open + 1, close == std::string_view::npos ? close : close - open - 1));
  };
  const std::size_t first = text.find('<');
  if (first == std::string_view::npos) return;
  inside(first);
  inside(text.rfind('<'));
}

// Words with an `@` inside, where no brackets are.
void read_words(Shown& shown, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(" \t<>,;:()[]\"");
    const std::string_view word = text.substr(0, end);
    if (word.find('@') != 0) show(shown, word);
    if (end == std::string_view::npos) return;
    const std::size_t close = text[end] == '<' ? text.find('>', end) : end;
    if (close == std::string_view::npos) return;
    text.remove_prefix(close + 1);
  }
}

Shown read(std::string_view value, const Habits& habits) {
  Shown shown;
  const std::string text = habits.decodes ? mail::decode_encoded_words(value) : std::string(value);
  const std::string rest = outline(text, habits);
  read_brackets(shown, rest);
  // In a name that is encoded or a comment, an address is a name to everybody.
  if (habits.comments && !habits.decodes) read_words(shown, rest);
  return shown;
}

void check_field(const mail::Author& author, std::string_view value) {
  for (int habits = 0; habits < 8; ++habits) {
    const bool decodes = (habits & 4) != 0;
    // A valid field is taken apart before a name in it is decoded (RFC 2047 §6.2): what it holds is
    // a name to everybody.
    if (decodes && !author.readable()) continue;
    const auto shown = read(value, {(habits & 1) != 0, (habits & 2) != 0, decodes});
    for (const auto& domain : shown) require(domain == author.domain());
  }
}

mail::Header header_of(const std::vector<std::string_view>& values) {
  mail::Header header;
  header.add({"Subject", " x"});
  for (const std::string_view value : values) header.add({"From", std::string(value)});
  return header;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto values = fuzz::split(fuzz::text_of(data, size), '\0');
  const mail::Header header = header_of(values);
  for (const mail::Mta mta : {mail::Mta::own, mail::Mta::sendmail}) {
    const mail::Author author = mail::find_author(header, {}, mta);
    require(author.reason.empty() == (author.result == mail::Author::Result::one));
    if (!author.well_formed()) continue;
    // Which of two fields is shown, nobody knows.
    require(values.size() == 1 && author.domains.size() == 1);
    check_field(author, values.front());
  }
  return 0;
}
