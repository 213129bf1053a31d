#include "cli/sendmail_message.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"

namespace sekisho::cli {

namespace {

// Takes one line, without its end, from the front.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

void append_line(std::string& out, std::string_view line) {
  const auto begin = out.size();
  out.append(line);
  // A bare CR must not leave this host (RFC 5321 §2.3.8); sekishod makes the same of one.
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), '\r', ' ');
  out.append("\r\n");
}

// The name of the field that begins in this line; empty: none does. RFC 5322 §2.2.
std::string_view field_name(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const auto name = ascii::trim(line.substr(0, colon));
  const bool valid =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
  return valid ? name : std::string_view();
}

struct Field {
  std::string name;   // lower case
  std::string lines;  // with CRLF
  std::string value;  // unfolded
};

// Takes the header from the front; `text` then begins with the body.
std::vector<Field> take_header(std::string_view& text) {
  std::vector<Field> fields;
  while (!text.empty()) {
    auto rest = text;
    const auto line = take_line(rest);
    if (line.empty()) {
      text = rest;
      break;
    }
    const bool continues = line.front() == ' ' || line.front() == '\t';
    const auto name = field_name(line);
    if (continues ? fields.empty() : name.empty()) break;  // the body begins without an empty line
    if (!continues) {
      fields.push_back({ascii::lower(name), {}, std::string(line.substr(line.find(':') + 1))});
    } else {
      fields.back().value.append(line);
    }
    append_line(fields.back().lines, line);
    text = rest;
  }
  return fields;
}

bool is_blind(const Field& field) { return field.name == "bcc" || field.name == "resent-bcc"; }

// With Resent- fields, who sends again means theirs alone (RFC 5322 §3.6.6).
std::vector<std::string> recipients_of(const std::vector<Field>& fields) {
  const bool again = std::any_of(fields.begin(), fields.end(), [](const Field& field) {
    return field.name == "resent-to" || field.name == "resent-cc" || field.name == "resent-bcc";
  });
  std::vector<std::string> all;
  for (const auto& field : fields) {
    for (const std::string_view name : {"to", "cc", "bcc"}) {
      if (field.name != (again ? "resent-" : "") + std::string(name)) continue;
      for (auto& each : addresses_in(field.value)) all.push_back(std::move(each));
    }
  }
  return all;
}

void append_body(std::string& out, std::string_view body, bool dots) {
  while (!body.empty()) {
    const auto line = take_line(body);
    if (dots && line == ".") return;
    append_line(out, line);
  }
}

// One member of an address list, as it is read.
class ListReader {
 public:
  explicit ListReader(std::string_view value) : value_(value) {}

  std::vector<std::string> read() {
    for (; at_ < value_.size(); ++at_) {
      const char c = value_[at_];
      if (c == '(') {
        skip_comment();
      } else if (c == '"') {
        take_quoted();
      } else if (c == '<') {
        const auto end = std::min(value_.find('>', at_), value_.size());
        in_brackets_ = std::string(value_.substr(at_ + 1, end - at_ - 1));
        at_ = end;
      } else if (c == ',' || c == ';') {
        end_of_member();
      } else if (c == ':') {
        bare_.clear();  // what stood before is the name of a group
      } else if (!ascii::is_blank(c)) {
        bare_ += c;
      }
    }
    end_of_member();
    return std::move(found_);
  }

 private:
  void skip_comment() {
    std::size_t depth = 0;
    for (; at_ < value_.size(); ++at_) {
      if (value_[at_] == '\\')
        ++at_;
      else if (value_[at_] == '(')
        ++depth;
      else if (value_[at_] == ')' && --depth == 0)
        return;
    }
  }

  void take_quoted() {
    bare_ += '"';
    for (++at_; at_ < value_.size() && value_[at_] != '"'; ++at_) {
      bare_ += value_[at_];
      if (value_[at_] == '\\' && at_ + 1 < value_.size()) bare_ += value_[++at_];
    }
    bare_ += '"';
  }

  void end_of_member() {
    auto address = in_brackets_ ? std::string(ascii::trim(*in_brackets_)) : std::move(bare_);
    if (!address.empty()) found_.push_back(std::move(address));
    in_brackets_.reset();
    bare_.clear();
  }

  std::string_view value_;
  std::size_t at_ = 0;
  std::string bare_;
  std::optional<std::string> in_brackets_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> addresses_in(std::string_view value) { return ListReader(value).read(); }

SendmailMessage read_sendmail_message(std::string_view text, const SendmailOptions& options,
                                      const std::string& author) {
  auto rest = text;
  // "From bob Mon Nov 30 …" is the envelope of a mailbox file, which programs pass on.
  if (rest.starts_with("From ") || rest.starts_with(">From ")) take_line(rest);
  const auto fields = take_header(rest);
  SendmailMessage message;
  if (options.from_header) message.recipients = recipients_of(fields);
  bool has_author = false;
  for (const auto& field : fields) {
    has_author = has_author || field.name == "from";
    if (options.from_header && is_blind(field)) continue;
    message.content.append(field.lines);
  }
  if (!has_author) append_line(message.content, "From: " + author);
  message.content.append("\r\n");
  append_body(message.content, rest, options.dots);
  return message;
}

}  // namespace sekisho::cli
