#include "dns/master_file.h"

#include <algorithm>
#include <charconv>

#include <ldns/rr.h>

#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::dns {

namespace {

// The TTL in a file that gives none.
constexpr std::uint32_t usual_ttl = 3600;

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::uint64_t unit_seconds(char unit) {
  switch (ascii::to_lower(unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 604800;
    default:
      return 0;
  }
}

// "3600", "1h", "1h30m".
std::optional<std::uint32_t> parse_ttl(std::string_view text) {
  if (auto plain = parse_number(text)) return plain;
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = parse_number(text.substr(0, digits));
    if (!count || digits == text.size() || unit_seconds(text[digits]) == 0) return std::nullopt;
    total += *count * unit_seconds(text[digits]);
    if (total > 0x7fffffff) return std::nullopt;
    text.remove_prefix(digits + 1);
  }
  return static_cast<std::uint32_t>(total);
}

// "TYPE16", "CLASS1" (RFC 3597 §5).
std::optional<std::uint32_t> parse_generic(std::string_view prefix, std::string_view text) {
  if (!ascii::istarts_with(text, prefix)) return std::nullopt;
  const auto number = parse_number(text.substr(prefix.size()));
  return number && *number <= 65535 ? number : std::nullopt;
}

bool is_in(std::string_view text) {
  return ascii::iequals(text, "IN") || parse_generic("CLASS", text) == 1U;
}

bool is_class(std::string_view text) {
  return is_in(text) || parse_generic("CLASS", text) || ascii::iequals(text, "CH") ||
         ascii::iequals(text, "HS") || ascii::iequals(text, "CS");
}

std::optional<Type> type_of(std::string_view text) {
  if (const auto number = parse_generic("TYPE", text)) {
    for (const Type type : all_values<Type>()) {
      if (static_cast<std::uint32_t>(type) == *number) return type;
    }
    return std::nullopt;
  }
  return parse_type(text);
}

// "\046" or "\." at the front of `text`: the octet, and how many characters it took; zero if it is
// malformed.
std::pair<char, std::size_t> read_escape(std::string_view text) {
  if (text.size() < 2) return {'\0', 0};
  if (!ascii::is_digit(text[1])) return {text[1], 2};
  const auto value = text.size() < 4 ? std::nullopt : parse_number(text.substr(1, 3));
  if (!value || *value > 255) return {'\0', 0};
  return {static_cast<char>(*value), 4};
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = ascii::trim(text); !text.empty(); text = ascii::trim(text)) {
    words.push_back(text.substr(0, text.find_first_of(" \t\r")));
    text.remove_prefix(words.back().size());
  }
  return words;
}

}  // namespace

tl::unexpected<ParseError> MasterFile::error(std::string_view expected,
                                             std::string_view found) const {
  std::string what = place() + ": expected " + std::string(expected);
  what += found.empty() ? ", found nothing" : ", found `" + escape_for_log(found, 60) + "`";
  return parse_error(std::move(what), line_);
}

Expected<std::optional<MasterEntry>> MasterFile::next() {
  for (;;) {
    Line line;
    auto more = read_line(line);
    if (!more) return tl::unexpected(more.error());
    if (!line.directive.empty()) {
      auto failure = read_directive(line.directive);
      if (!failure) return tl::unexpected(failure.error());
      return MasterEntry(std::move(*failure));
    }
    if (!line.tokens.empty()) {
      auto entry = read_entry(line);
      if (!entry || *entry) return entry;
    }
    if (!*more) return std::nullopt;
  }
}

// One line, or several within parentheses. False at the end of the text.
Expected<bool> MasterFile::read_line(Line& line) {
  line_ = next_line_;
  line.continues_owner = !rest_.empty() && ascii::is_wsp(rest_.front());
  int depth = 0;
  for (;;) {
    if (rest_.empty()) {
      if (depth > 0) return error("`)`", "the end of the file");
      return false;
    }
    const char c = rest_.front();
    if (c == '\n') {
      rest_.remove_prefix(1);
      ++next_line_;
      if (depth == 0) return true;
    } else if (ascii::is_wsp(c) || c == '\r') {
      rest_.remove_prefix(1);
    } else if (c == ';') {
      const std::string_view comment = rest_.substr(0, rest_.find('\n'));
      if (comment.starts_with(";!") && line.tokens.empty()) line.directive = comment.substr(2);
      rest_.remove_prefix(comment.size());
    } else if (auto read = read_token(line, depth); !read) {
      return tl::unexpected(read.error());
    }
  }
}

Expected<void> MasterFile::read_token(Line& line, int& depth) {
  const char first = rest_.front();
  if (first == '(' || first == ')') {
    depth += first == '(' ? 1 : -1;
    if (depth < 0) return error("a record", ")");
    rest_.remove_prefix(1);
    return {};
  }
  const bool quoted = first == '"';
  if (quoted) rest_.remove_prefix(1);
  std::size_t end = 0;
  while (end < rest_.size()) {
    const char c = rest_[end];
    if (c == '\n' ||
        (quoted ? c == '"' : ascii::is_blank(c) || c == ';' || c == '(' || c == ')' || c == '"'))
      break;
    end += c == '\\' && end + 1 < rest_.size() && rest_[end + 1] != '\n' ? 2 : 1;
  }
  line.tokens.push_back({rest_.substr(0, end), quoted});
  if (quoted && (end >= rest_.size() || rest_[end] != '"'))
    return error("a closing `\"`", rest_.substr(0, end));
  rest_.remove_prefix(quoted ? end + 1 : end);
  return {};
}

Expected<std::optional<MasterEntry>> MasterFile::read_entry(const Line& line) {
  const Token& first = line.tokens.front();
  if (!first.quoted && first.text.starts_with('$')) return read_control(line);
  return read_record(line);
}

Expected<std::optional<MasterEntry>> MasterFile::read_control(const Line& line) {
  const std::string_view verb = line.tokens[0].text;
  const std::string_view argument =
      line.tokens.size() == 2 ? line.tokens[1].text : std::string_view();
  if (ascii::iequals(verb, "$ORIGIN")) {
    auto labels =
        argument.empty() ? error("one name after $ORIGIN", argument) : read_labels(argument);
    if (!labels) return tl::unexpected(labels.error());
    origin_ = std::move(*labels);
    return std::nullopt;
  }
  if (ascii::iequals(verb, "$TTL")) {
    default_ttl_ = parse_ttl(argument);
    if (!default_ttl_) return error("a number of seconds after $TTL", argument);
    return std::nullopt;
  }
  return error("$ORIGIN, $TTL or a record", verb);
}

Expected<Failure> MasterFile::read_directive(std::string_view text) const {
  const auto words = split_words(text);
  const std::string_view verb = words.empty() ? std::string_view() : words[0];
  if (verb != "servfail" && verb != "timeout")
    return error("`;!servfail NAME [TYPE]` or `;!timeout NAME [TYPE]`", text);
  if (words.size() < 2 || words.size() > 3)
    return error("a name and perhaps a type after ;!" + std::string(verb), text);
  const auto labels = read_labels(words[1]);
  if (!labels) return tl::unexpected(labels.error());
  auto owner = name_of(*labels);
  if (!owner) return error("a name that can be asked for", words[1]);
  std::optional<Type> type;
  if (words.size() == 3) {
    type = parse_type(words[2]);
    if (!type) return error("one of the types A, AAAA, CNAME, MX, PTR, TXT", words[2]);
  }
  return Failure{std::move(*owner), type, std::string(verb)};
}

// [<owner>] [<TTL>] [<class>] <type> <RDATA>, TTL and class in any order (RFC 1035 §5.1).
Expected<std::optional<MasterEntry>> MasterFile::read_record(const Line& line) {
  auto token = line.tokens.begin();
  if (!line.continues_owner) {
    auto owner = read_labels(token->text);
    if (!owner) return tl::unexpected(owner.error());
    owner_ = std::move(*owner);
    ++token;
  }
  if (!owner_) return error("a name at the beginning of the line", line.tokens.front().text);
  std::optional<std::uint32_t> ttl;
  for (; token != line.tokens.end(); ++token) {
    if (is_class(token->text)) {
      if (!is_in(token->text)) return error("class IN", token->text);
    } else if (const auto value = parse_ttl(token->text); value && !ttl) {
      ttl = last_ttl_ = value;
    } else {
      break;
    }
  }
  if (token == line.tokens.end()) return error("a type such as TXT", {});
  const auto known = type_of(token->text);
  auto data = read_data(token->text, known, {token + 1, line.tokens.end()});
  if (!data) return tl::unexpected(data.error());
  // RFC 2308 §4: $TTL is for records without one of their own; before it there was "the last
  // explicitly stated".
  const auto lifetime = ttl.value_or(default_ttl_.value_or(last_ttl_.value_or(usual_ttl)));
  return MasterEntry(MasterRecord{name_of(*owner_), owner_->empty(), lifetime,
                                  known.value_or(Type::a), std::move(*data)});
}

Expected<RecordData> MasterFile::read_data(std::string_view type, std::optional<Type> known,
                                           const std::vector<Token>& rest) {
  const bool named = !ascii::istarts_with(type, "TYPE") &&
                     ldns_get_rr_type_by_name(std::string(type).c_str()) != 0;
  if (!known && !named && !parse_generic("TYPE", type)) return error("a type such as TXT", type);
  if (!rest.empty() && !rest[0].quoted && rest[0].text == "\\#") return read_generic(known, rest);
  if (ascii::iequals(type, "SOA")) return read_soa(rest);
  return known ? read_known(*known, rest) : RecordData(OtherData{});
}

Expected<RecordData> MasterFile::read_known(Type type, const std::vector<Token>& rest) const {
  switch (type) {
    case Type::a:
    case Type::aaaa:
      return read_address(type, rest);
    case Type::txt:
      return read_texts(rest);
    case Type::cname:
    case Type::mx:
    case Type::ptr:
      return read_target(type, rest);
  }
  return RecordData(OtherData{});
}

// RFC 3597 §5: \# LENGTH, and as many octets in hexadecimal, in words of any length.
Expected<RecordData> MasterFile::read_generic(std::optional<Type> type,
                                              const std::vector<Token>& rest) const {
  std::string digits;
  for (std::size_t n = 2; n < rest.size(); ++n) digits += rest[n].text;
  const auto length = rest.size() < 2 ? std::nullopt : parse_number(rest[1].text);
  const auto octets = octets_of_hex(digits);
  if (!length || !octets || octets->size() != *length) {
    return error("\\#, a length and as many octets in hexadecimal", digits);
  }
  if (!type) return RecordData(OtherData{});
  auto data = data_of_wire(*type, *octets);
  if (!data) return error("octets that make a record of this type", digits);
  return std::move(*data);
}

Expected<RecordData> MasterFile::read_address(Type type, const std::vector<Token>& rest) const {
  const std::string_view text = rest.size() == 1 ? rest[0].text : std::string_view();
  const std::string_view wanted = type == Type::a ? "one IPv4 address" : "one IPv6 address";
  const auto address = mail::IpAddress::parse_published(text);
  if (!address || address->is_v4() != (type == Type::a)) return error(wanted, text);
  return RecordData(*address);
}

Expected<RecordData> MasterFile::read_target(Type type, const std::vector<Token>& rest) const {
  if (rest.size() != (type == Type::mx ? 2U : 1U)) {
    return error(type == Type::mx ? "a preference and a name" : "one name",
                 rest.empty() ? "" : rest.back().text);
  }
  auto labels = read_labels(rest.back().text);
  if (!labels) return tl::unexpected(labels.error());
  if (type != Type::mx) return target_data(type, *labels);
  const auto preference = parse_number(rest[0].text);
  if (!preference || *preference > 65535) return error("a preference of 0 to 65535", rest[0].text);
  return RecordData(Mx{static_cast<std::uint16_t>(*preference), target_text(*labels)});
}

Expected<RecordData> MasterFile::read_texts(const std::vector<Token>& rest) const {
  if (rest.empty()) return error("a text", {});
  std::string joined;
  for (const Token& token : rest) {
    auto text = unescape(token.text);
    if (!text) return tl::unexpected(text.error());
    // RFC 1035 §3.3: a character-string has one length octet.
    if (text->size() > 255) return error("strings of 255 octets at most", *text);
    joined += *text;
  }
  return RecordData(std::move(joined));
}

// MNAME RNAME SERIAL REFRESH RETRY EXPIRE MINIMUM.
Expected<RecordData> MasterFile::read_soa(const std::vector<Token>& rest) {
  if (rest.size() != 7)
    return error("the seven fields of a SOA", rest.empty() ? "" : rest.back().text);
  const auto minimum = parse_ttl(rest[6].text);
  if (!minimum) return error("a number of seconds as MINIMUM", rest[6].text);
  if (!last_ttl_) last_ttl_ = minimum;  // RFC 1035 §3.3.13: the default for records without a TTL
  return RecordData(SoaData{*minimum});
}

Expected<std::string> MasterFile::unescape(std::string_view token) const {
  std::string text;
  for (std::size_t at = 0; at < token.size();) {
    if (token[at] != '\\') {
      text += token[at++];
      continue;
    }
    const auto [octet, size] = read_escape(token.substr(at));
    if (size == 0) return error("\\DDD of 000 to 255 or \\ and one character", token.substr(at));
    text += octet;
    at += size;
  }
  return text;
}

// The labels, those of the origin included when the name is relative.
Expected<std::vector<std::string>> MasterFile::read_labels(std::string_view token) const {
  if (token == "@") return origin_;
  if (token == ".") return std::vector<std::string>{};
  std::vector<std::string> labels(1);
  for (std::size_t at = 0; at < token.size();) {
    if (token[at] == '.') {
      labels.emplace_back();
      ++at;
      continue;
    }
    const auto [octet, size] =
        token[at] == '\\' ? read_escape(token.substr(at)) : std::pair{token[at], std::size_t{1}};
    if (size == 0) return error("\\DDD of 000 to 255 or \\ and one character", token.substr(at));
    labels.back() += octet;
    at += size;
  }
  const bool absolute = labels.size() > 1 && labels.back().empty();
  if (absolute) {
    labels.pop_back();
  } else {
    labels.insert(labels.end(), origin_.begin(), origin_.end());
  }
  std::size_t total = 0;
  for (const std::string& label : labels) {
    if (label.empty() || label.size() > 63) return error("labels of 1 to 63 octets", token);
    total += label.size() + 1;
  }
  if (total > 254) return error("a name of 253 octets at most", token);
  return labels;
}

}  // namespace sekisho::dns
