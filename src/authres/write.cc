#include "authres/authentication_results.h"
#include "authres/syntax.h"

namespace sekisho::authres {

namespace {

// RFC 5322 §2.1.1: lines of 78 octets, of 998 at the very most. A value is never folded inside, so
// the longest one stays below that limit, with its quotes and escapes.
constexpr std::size_t line_octets = 78;
constexpr std::size_t value_octets = 480;
constexpr std::string_view field_start = "Authentication-Results:";

std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// Whether an address needs no quotes (RFC 8601 §2.2: pvalue). The grammar allows any dot-atom as
// local part, but readers cut at `=` and `/`.
bool is_plain_address(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return false;
  const std::string_view local = text.substr(0, at);
  return is_address_or_domain(text) && (local.empty() || is_token(local)) &&
         is_plain_domain(text.substr(at + 1));
}

std::string value_of(std::string_view text) {
  const std::string clean = cleaned(text, value_octets);
  if (is_token(clean) || is_plain_address(clean)) return clean;
  return "\"" + escaped(clean, "\"\\") + "\"";
}

// Lays words out in lines.
class Lines {
 public:
  // Appends a word after a blank, or on a new line if it and a semicolon do not fit on this one.
  void word(std::string_view text) {
    if (!at_start_ && used_ + text.size() + 2 > line_octets) line();
    if (!at_start_) attach(' ');
    out_ += text;
    used_ += text.size();
    at_start_ = false;
  }
  void line() {
    out_ += "\r\n\t";
    used_ = 1;
    at_start_ = true;
  }
  // Appends to the last word.
  void attach(char c) {
    out_ += c;
    ++used_;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_ = " ";
  std::size_t used_ = field_start.size() + 1;
  bool at_start_ = true;
};

// (text), which may be folded at its blanks.
void write_comment(std::string_view text, Lines& lines) {
  const std::string all = "(" + escaped(cleaned(text, value_octets), "()\\") + ")";
  std::string_view rest = all;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end > 0) lines.word(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void write_result(const MethodResult& result, Lines& lines) {
  std::string method = result.method;
  if (result.version != 1) method += "/" + std::to_string(result.version);
  lines.word(method + "=" + result.result);
  if (!result.comment.empty()) write_comment(result.comment, lines);
  if (!result.reason.empty()) lines.word("reason=" + value_of(result.reason));
  for (const Property& property : result.properties) {
    lines.word(property.type + "." + property.name + "=" + value_of(property.value));
  }
}

}  // namespace

std::string write(const AuthenticationResults& field) {
  Lines lines;
  const std::string id = cleaned(field.authserv_id, value_octets);
  lines.word(is_token(id) ? id : "\"" + escaped(id, "\"\\") + "\"");
  if (!field.id_comment.empty()) write_comment(field.id_comment, lines);
  if (field.version != 1) lines.word(std::to_string(field.version));
  lines.attach(';');
  if (field.results.empty()) lines.word("none");
  bool first = true;
  for (const MethodResult& result : field.results) {
    if (!first) lines.attach(';');
    first = false;
    lines.line();
    write_result(result, lines);
  }
  return lines.take();
}

}  // namespace sekisho::authres
