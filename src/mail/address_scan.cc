#include "mail/address_scan.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "mail/encoded_word.h"
#include "mail/limits.h"

namespace sekisho::mail {

namespace {

// A name in UTF-8 takes up to four octets for each octet of its A-label.
constexpr std::size_t domain_text_octets = 4 * limits::domain_octets;

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

bool is_domain_octet(char c) {
  return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_' || !is_ascii(c);
}

bool is_local_octet(char c) {
  return !ascii::is_blank(c) && !ascii::is_control(c) &&
         std::string_view("@<>,;:()[]\"").find(c) == std::string_view::npos;
}

enum class Gaps { blank, removed };

// The text with each comment replaced by a blank, or without any comments, blanks, control
// characters and quotes. A comment that does not end is plain text.
std::string without_comments(std::string_view text, Gaps gaps) {
  std::string out;
  std::vector<std::size_t> open;  // where in `out` a parenthesis was opened
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && !open.empty()) {
      out += text[++i];
    } else if (c == '(') {
      open.push_back(out.size());
      out += c;
    } else if (c == ')' && !open.empty()) {
      out.resize(open.back());
      open.pop_back();
      if (gaps == Gaps::blank) out += ' ';
    } else if (gaps == Gaps::blank ||
               !(ascii::is_blank(c) || ascii::is_control(c) || c == '"' || c == '\\')) {
      out += c;
    }
  }
  return out;
}

class Scan {
 public:
  void text(std::string_view text) {
    for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
      const std::string local = local_part_before(text.substr(0, at));
      std::size_t begin = at + 1;
      while (begin < text.size() && is_gap(text[begin])) ++begin;
      std::size_t end = begin;
      const std::size_t limit = std::min(text.size(), begin + domain_text_octets);
      while (end < limit && is_domain_octet(text[end])) ++end;
      domains(local, text.substr(begin, end - begin));
    }
  }
  std::vector<Mailbox> take() { return std::move(found_); }

 private:
  static bool is_gap(char c) { return ascii::is_blank(c) || ascii::is_control(c); }

  // A word, or the content of a quoted string; no longer than any entry of a list may be.
  static std::string local_part_before(std::string_view before) {
    if (before.size() > 2 * limits::local_part_octets) {
      before.remove_prefix(before.size() - 2 * limits::local_part_octets);
    }
    while (!before.empty() && is_gap(before.back())) before.remove_suffix(1);
    if (before.ends_with('"')) return quoted_string(before.substr(0, before.size() - 1));
    std::size_t begin = before.size();
    while (begin > 0 && is_local_octet(before[begin - 1])) --begin;
    return std::string(before.substr(begin));
  }

  static std::string quoted_string(std::string_view text) {
    std::size_t begin = text.size();
    while (begin > 0 && (text[begin - 1] != '"' || (begin > 1 && text[begin - 2] == '\\'))) {
      --begin;
    }
    std::string out;
    for (std::size_t i = begin; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      out += text[i];
    }
    return out;
  }

  // Three readings: octets that are not ASCII belong to the name, end it, or are invisible (a blank
  // of no width).
  void domains(const std::string& local, std::string_view run) {
    add(local, run);
    if (std::all_of(run.begin(), run.end(), is_ascii)) return;
    add(local,
        run.substr(0, static_cast<std::size_t>(std::find_if_not(run.begin(), run.end(), is_ascii) -
                                               run.begin())));
    std::string visible(run);
    std::erase_if(visible, [](char c) { return !is_ascii(c); });
    add(local, visible);
  }

  void add(const std::string& local, std::string_view text) {
    while (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty()) return;
    auto domain = DomainName::parse(text);
    if (!domain) return;
    if (!seen_.emplace(local, domain->text()).second) return;
    found_.push_back({local, std::move(*domain)});
  }

  std::set<std::pair<std::string, std::string>> seen_;
  std::vector<Mailbox> found_;
};

void scan_readings(Scan& scan, const std::string& text) {
  scan.text(text);
  scan.text(without_comments(text, Gaps::blank));
  scan.text(without_comments(text, Gaps::removed));
}

}  // namespace

std::string with_plain_at_signs(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view wide = text.substr(i, 3);
    if (wide == "\xef\xbc\xa0" || wide == "\xef\xb9\xab") {
      out += '@';
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<Mailbox> scan_addresses(std::string_view value) {
  Scan scan;
  scan_readings(scan, with_plain_at_signs(value));
  if (value.find("=?") != std::string_view::npos) {
    scan_readings(scan, with_plain_at_signs(decode_encoded_words(value, value.size())));
  }
  return scan.take();
}

}  // namespace sekisho::mail
