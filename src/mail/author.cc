#include "mail/author.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/ascii.h"
#include "mail/address_list.h"
#include "mail/address_scan.h"
#include "mail/encoded_word.h"
#include "mail/name_text.h"

namespace sekisho::mail {

namespace {

// Finds "From:" at the beginning of a line as the most lenient reader would: every octet that is
// not visible ASCII is skipped (blanks, NUL, no-break spaces, byte order marks), and every control
// octet but the tab may begin a line. One pass.
class FromFinder {
 public:
  enum class Start { line, inside_line };

  explicit FromFinder(Start start)
      : dead_(start == Start::inside_line), nothing_visible_yet_(start == Start::line) {}

  // True when a From field's colon has been reached.
  bool take(char c) {
    static constexpr std::string_view name = "from";
    const bool visible = c > ' ' && c <= '~';
    if (!visible) {
      if (c != '\t' && ascii::is_control(c)) begin_line();
      return false;
    }
    if (c == ':' && complete()) return true;
    const char lowered = ascii::to_lower(c);
    if (!dead_ && matched_ < name.size() && lowered == name[matched_]) {
      ++matched_;
    } else {
      dead_ = !(nothing_visible_yet_ && lowered == name.front());
      matched_ = dead_ ? 0 : 1;
    }
    nothing_visible_yet_ = false;
    return false;
  }
  bool complete() const { return !dead_ && matched_ == 4; }

 private:
  // A name broken over lines ("From", fold, ":") still counts, so what matched stays.
  void begin_line() {
    nothing_visible_yet_ = true;
    dead_ = false;
  }

  std::size_t matched_ = 0;
  bool dead_;
  bool nothing_visible_yet_;
};

bool hides_from_in_name(const HeaderField& field) {
  FromFinder finder(FromFinder::Start::line);
  for (const char c : field.name) finder.take(c);
  return finder.complete() && !field.is("From");
}

// The length of the line end at `at` when the line goes on behind it, 0 otherwise. Folds do not
// begin a line: every reader takes what follows them as the rest of the field.
std::size_t fold_length(std::string_view value, std::size_t at) {
  const std::size_t line_end = value[at] == '\n' ? 1 : value.substr(at, 2) == "\r\n" ? 2 : 0;
  const std::size_t next = at + line_end;
  return next < value.size() && ascii::is_wsp(value[next]) ? line_end : 0;
}

// True of nearly every value: it has no octet that could begin a line.
bool is_one_line(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!ascii::is_control(value[i]) || value[i] == '\t') continue;
    const std::size_t fold = fold_length(value, i);
    if (fold == 0) return false;
    i += fold;
  }
  return true;
}

bool hides_from_in_value(std::string_view value) {
  if (is_one_line(value)) return false;
  FromFinder finder(FromFinder::Start::inside_line);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (const std::size_t fold = fold_length(value, i); fold > 0) {
      i += fold;
    } else if (finder.take(value[i])) {
      return true;
    }
  }
  return false;
}

bool hides_from_in_line(std::string_view line) {
  FromFinder finder(FromFinder::Start::line);
  return std::any_of(line.begin(), line.end(), [&](char c) { return finder.take(c); });
}

bool hides_from_field(const Header& header, const std::vector<std::string>& malformed_lines) {
  return std::any_of(header.fields().begin(), header.fields().end(),
                     [](const HeaderField& field) {
                       return hides_from_in_name(field) || hides_from_in_value(field.value);
                     }) ||
         std::any_of(malformed_lines.begin(), malformed_lines.end(), hides_from_in_line);
}

Author malformed(Author::Result result, std::string reason) {
  Author author;
  author.result = result;
  author.reason = std::move(reason);
  return author;
}

void add(Author& author, AddressList list) {
  std::set<DomainName> seen(author.domains.begin(), author.domains.end());
  for (auto& [display_name, mailbox] : list.mailboxes) {
    if (seen.insert(mailbox.domain).second) author.domains.push_back(mailbox.domain);
    author.mailboxes.push_back(std::move(mailbox));
  }
}

// The result of a single field that names no mailbox.
Author::Result nobody(const HeaderField& field) {
  // Only a group names nobody on purpose (RFC 6854 §1); a value of blanks or comments is just
  // empty.
  const bool group = field.value.find(':') != std::string::npos;
  return group ? Author::Result::missing : Author::Result::no_domain;
}

void judge(Author& author, std::size_t field_count) {
  if (author.domains.size() > 1) {
    author.result = Author::Result::many;
    author.reason = "addresses of " + std::to_string(author.domains.size()) + " domains";
  } else if (field_count > 1) {
    author.result = Author::Result::multiple_fields;
    author.reason = std::to_string(field_count) + " From fields";
  } else {
    author.result = Author::Result::one;
  }
}

// A field that is not valid: `fault` is why.
Author judge_loosely(const HeaderField& field, const std::string& fault, Mta mta) {
  using enum Author::Result;
  if (names_no_domain(field.value)) return malformed(no_domain, fault);
  if (is_decisive(fault)) return malformed(invalid, fault);
  auto reading = read_loosely(field.value, mta);
  if (!reading) return malformed(invalid, reading.error().what);
  Author author;
  author.result = readable;
  author.reason = fault;
  author.mailboxes = std::move(reading->mailboxes);
  author.domains.push_back(std::move(reading->domain));
  return author;
}

// A valid field that names no domain.
Author judge_nobody(const HeaderField& field, const AddressList& list) {
  using enum Author::Result;
  // Some readers take a comment or the name of a group that looks like an address for one.
  if (!names_no_domain(field.value)) return malformed(invalid, "an address in a comment or a name");
  if (list.literals > 0) return malformed(no_domain, "an IP address in place of a domain");
  return malformed(nobody(field), "a From field that names nobody");
}

Author judge_alone(const HeaderField& field, Mta mta) {
  if (holds_address_in_broken_word(field.value)) {
    return malformed(Author::Result::invalid, "an address in an encoded word that does not end");
  }
  auto list = parse_address_list(field.value);
  if (!list) return judge_loosely(field, list.error().what, mta);
  if (list->mailboxes.empty()) return judge_nobody(field, *list);
  if (list->literals > 0) {
    return malformed(Author::Result::invalid, "an IP address beside a domain");
  }
  Author author;
  add(author, std::move(*list));
  judge(author, 1);
  return author;
}

}  // namespace

Author find_author(const Header& header, const std::vector<std::string>& malformed_lines, Mta mta) {
  using enum Author::Result;
  if (header.truncated()) return malformed(invalid, "a header that is larger than its limits");
  if (hides_from_field(header, malformed_lines)) {
    return malformed(invalid, "a line that some readers take for a From field");
  }
  const auto fields = header.all("From");
  if (fields.empty()) return malformed(missing, "no From field");
  if (fields.size() == 1) {
    Author author = judge_alone(*fields.front(), mta);
    // Some readers take such a line for the rest of the field before it.
    if (!author.readable() || malformed_lines.empty()) return author;
    return malformed(invalid, author.reason + ", and a line that is no field");
  }

  // More than one field is malformed; the result lists the domains that they name all the same.
  Author author;
  for (const HeaderField* field : fields) {
    auto list = parse_address_list(field->value);
    if (!list) return malformed(invalid, list.error().what);
    if (list->mailboxes.empty() || list->literals > 0) {
      return malformed(invalid, std::to_string(fields.size()) + " From fields");
    }
    add(author, std::move(*list));
  }
  judge(author, fields.size());
  return author;
}

std::vector<Mailbox> readable_authors(const Header& header,
                                      const std::vector<std::string>& malformed_lines) {
  std::vector<Mailbox> all;
  const auto scan = [&all](std::string_view text) {
    auto found = scan_addresses(text);
    all.insert(all.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  };
  for (const HeaderField& field : header.fields()) {
    if (field.is("From") || hides_from_in_name(field) || hides_from_in_value(field.value)) {
      scan(field.value);
    }
  }
  for (const std::string& line : malformed_lines) {
    if (hides_from_in_line(line)) scan(line);
  }
  return all;
}

}  // namespace sekisho::mail
