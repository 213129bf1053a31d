#include "quarantine/bound_header.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/ascii.h"
#include "mail/mailbox.h"

namespace sekisho::quarantine {

namespace {

// Marks the line of a field that may be present or not. No field's name begins with a blank.
constexpr char optional_mark = ' ';

// A value on one line, each run of blanks and line ends as one blank.
std::string on_one_line(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (ascii::is_wsp(c) || c == '\r' || c == '\n') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c == '\0' ? '?' : c;  // SQLite would end the text there
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string line_of(std::string_view name, std::string_view value) {
  return ascii::lower(ascii::trim(name)) + ":" + on_one_line(value);
}

// The fields of a header as lines, until its end.
std::vector<std::string> lines_of(std::string_view message) {
  std::vector<std::string> lines;
  while (!message.empty() && !message.starts_with("\r\n") && !message.starts_with('\n')) {
    std::size_t end = 0;
    do {
      const auto feed = message.find('\n', end);
      end = feed == std::string_view::npos ? message.size() : feed + 1;
    } while (end < message.size() && ascii::is_wsp(message[end]));
    const auto field = message.substr(0, end);
    const auto colon = std::min(field.find(':'), field.size());
    lines.push_back(
        line_of(field.substr(0, colon), field.substr(std::min(colon + 1, field.size()))));
    message.remove_prefix(end);
  }
  return lines;
}

std::string_view name_in(std::string_view line) { return line.substr(0, line.find(':')); }
std::string_view value_in(std::string_view line) { return line.substr(line.find(':') + 1); }

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Our own fields: the filter removes them, whatever their value.
bool is_ours(std::string_view name) { return name.starts_with("x-sekisho-"); }

// Fields that another filter of this host rewrites on each pass.
bool is_of_the_pass(std::string_view name) {
  return name.starts_with("x-spam-") || name.starts_with("x-virus-");
}

bool has_addresses(std::string_view name) {
  return is_one_of(name, {"from", "sender", "reply-to", "to", "cc", "bcc", "resent-from",
                          "resent-sender", "resent-to", "resent-cc", "resent-bcc"});
}

bool is_domain_octet(char c) { return ascii::is_alnum(c) || c == '.' || c == '-'; }

// The state of a reader within an address field: only text behind a bare name outside quotes can be
// its domain.
class AddressPlace {
 public:
  void pass(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      quoted_ = !quoted_;
    } else if (!quoted_) {
      if (c == '@') has_domain_ = true;
      if (is_separator(c)) has_domain_ = false;
      after_name_ = ascii::is_alnum(c) || std::string_view("_-+").find(c) != std::string_view::npos;
    }
  }
  bool wants_domain(std::string_view rest) const {
    rest = ascii::trim(rest);
    const bool ends =
        rest.empty() || std::string_view(",>;(").find(rest.front()) != std::string_view::npos;
    return ends && after_name_ && !quoted_ && !escaped_ && !has_domain_;
  }

 private:
  static bool is_separator(char c) { return c == ',' || c == '<' || c == ':' || c == ';'; }
  bool quoted_ = false;
  bool escaped_ = false;
  bool has_domain_ = false;
  bool after_name_ = false;
};

// Whether the MTA only completed bare names in an address field: each gets a domain of ours, and
// besides only blanks change. Postfix does so for local clients (local_header_rewrite_clients), and
// a release comes from one.
bool is_completed(std::string_view bound, std::string_view came,
                  const std::vector<std::string>& own_domains) {
  std::size_t at = 0;
  AddressPlace place;
  for (std::size_t i = 0; i < came.size();) {
    if (at < bound.size() && bound[at] == came[i]) {
      if (came[i] != ' ') place.pass(came[i]);
      ++at;
      ++i;
    } else if (came[i] == ' ') {
      ++i;
    } else if (at < bound.size() && bound[at] == ' ') {
      ++at;
    } else if (came[i] == '@' && place.wants_domain(bound.substr(at))) {
      std::size_t end = i + 1;
      while (end < came.size() && is_domain_octet(came[end])) ++end;
      const auto domain = ascii::lower(came.substr(i + 1, end - i - 1));
      if (std::find(own_domains.begin(), own_domains.end(), domain) == own_domains.end())
        return false;
      place.pass('@');
      i = end;
    } else {
      return false;
    }
  }
  return ascii::trim(bound.substr(at)).empty();
}

bool has(const std::vector<std::string>& lines, std::string_view name) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const auto& line) { return name_in(line) == name; });
}

// Whether the MTA may have added this line to a header without that field.
bool is_supplied(std::string_view line, const std::vector<std::string>& bound,
                 const std::string& mail_from) {
  const auto name = name_in(line);
  const auto value = value_in(line);
  if (has(bound, name)) return false;
  if (is_one_of(name, {"date", "message-id"})) return true;
  if (name == "to") return value == "undisclosed-recipients:;" && !has(bound, "cc");
  if (name != "from" || mail_from.empty()) return false;
  const auto author = mail::Mailbox::parse(value);
  const auto sender = mail::Mailbox::parse(mail_from);
  return value == mail_from || value == "<" + mail_from + ">" ||
         (author && sender && author->text() == sender->text());
}

// Whether an added line does not change what a reader sees.
bool is_harmless(std::string_view line, const std::vector<std::string>& bound) {
  const auto name = name_in(line);
  return is_one_of(name, {"received", "return-path", "delivered-to", "dkim-signature"}) ||
         (name.starts_with("x-") && !has(bound, name)) || is_of_the_pass(name) ||
         std::find(bound.begin(), bound.end(), line) != bound.end();
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The multiset difference: each element as often as it is missing in the other.
std::vector<std::string> without(const std::vector<std::string>& these,
                                 const std::vector<std::string>& those) {
  std::vector<std::string> out;
  std::set_difference(these.begin(), these.end(), those.begin(), those.end(),
                      std::back_inserter(out));
  return out;
}

}  // namespace

std::string bound_header(std::string_view message, std::string_view own_results) {
  auto lines = lines_of(message);
  std::erase_if(lines, [](const auto& line) { return is_ours(name_in(line)); });
  if (!own_results.empty())
    lines.push_back(optional_mark + line_of("authentication-results", own_results));
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

std::string header_difference(std::string_view bound, const session::ReleaseProof& proof) {
  auto released = split_lines(bound);
  std::vector<std::string> optional;
  std::erase_if(released, [&](const std::string& line) {
    if (!line.starts_with(optional_mark)) return false;
    optional.push_back(line.substr(1));
    return true;
  });
  auto came = split_lines(bound_header(proof.header, {}));
  auto missing = without(released, came);
  auto added = without(came, released);
  std::erase_if(missing, [&](const std::string& line) {
    const auto name = name_in(line);
    if (is_of_the_pass(name)) return true;
    if (!has_addresses(name)) return false;
    const auto made = std::find_if(added.begin(), added.end(), [&](const std::string& other) {
      return name_in(other) == name &&
             is_completed(value_in(line), value_in(other), proof.own_domains);
    });
    if (made == added.end()) return false;
    added.erase(made);
    return true;
  });
  if (!missing.empty())
    return "the field " + std::string(name_in(missing.front())) + " is another one";
  for (const auto& line : added) {
    const bool ours = std::find(optional.begin(), optional.end(), line) != optional.end();
    if (ours || is_harmless(line, released) || is_supplied(line, released, proof.mail_from))
      continue;
    return "a field " + std::string(name_in(line)).substr(0, 40) + " was added";
  }
  return "";
}

}  // namespace sekisho::quarantine
