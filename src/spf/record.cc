#include "spf/record.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"

namespace sekisho::spf {

namespace {

constexpr std::string_view version = "v=spf1";

// The argument that a mechanism takes.
enum class Argument {
  none,                     // all
  required_domain,          // include, exists
  optional_domain,          // ptr
  optional_domain_lengths,  // a, mx
  network,                  // ip4, ip6
};

struct Syntax {
  std::string_view name;
  MechanismKind kind;
  Argument argument;
};

constexpr std::array<Syntax, 8> mechanism_table = {{
    {"all", MechanismKind::all, Argument::none},
    {"include", MechanismKind::include, Argument::required_domain},
    {"a", MechanismKind::a, Argument::optional_domain_lengths},
    {"mx", MechanismKind::mx, Argument::optional_domain_lengths},
    {"ptr", MechanismKind::ptr, Argument::optional_domain},
    {"ip4", MechanismKind::ip4, Argument::network},
    {"ip6", MechanismKind::ip6, Argument::network},
    {"exists", MechanismKind::exists, Argument::required_domain},
}};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_digit);
}

// The digits of a cidr-length: no leading zero, at most `limit`.
Expected<int> parse_length(std::string_view digits, int limit) {
  const bool well_formed =
      all_digits(digits) && digits.size() <= 3 && (digits.front() != '0' || digits.size() == 1);
  int length = 0;
  if (well_formed) {
    for (const char c : digits) length = length * 10 + (c - '0');
  }
  if (!well_formed || length > limit) return parse_error("a prefix length out of range");
  return length;
}

// Removes `/24//64`, `/24` or `//64` from the end. A name may hold slashes itself, so only digits
// at the end count.
Expected<void> take_lengths(std::string_view& text, Mechanism& mechanism) {
  if (const auto slashes = text.rfind("//");
      slashes != std::string_view::npos && all_digits(text.substr(slashes + 2))) {
    const auto length = parse_length(text.substr(slashes + 2), 128);
    if (!length) return tl::unexpected(length.error());
    mechanism.ip6_length = *length;
    text = text.substr(0, slashes);
  }
  if (const auto slash = text.rfind('/');
      slash != std::string_view::npos && all_digits(text.substr(slash + 1))) {
    const auto length = parse_length(text.substr(slash + 1), 32);
    if (!length) return tl::unexpected(length.error());
    mechanism.ip4_length = *length;
    text = text.substr(0, slash);
  }
  return {};
}

// Reads `":" domain-spec`, or nothing where that is allowed.
Expected<void> read_domain(std::string_view argument, bool required, Mechanism& mechanism) {
  if (argument.empty() && !required) return {};
  if (!argument.starts_with(':')) return parse_error("no domain where one must stand");
  auto spec = MacroString::parse(argument.substr(1), MacroString::Kind::domain_spec);
  if (!spec) return tl::unexpected(spec.error());
  mechanism.domain_spec = std::move(*spec);
  return {};
}

Expected<void> read_network(std::string_view argument, Mechanism& mechanism) {
  const bool is_ip4 = mechanism.kind == MechanismKind::ip4;
  if (!argument.starts_with(':')) return parse_error("no address where one must stand");
  argument.remove_prefix(1);
  int length = is_ip4 ? 32 : 128;
  if (const auto slash = argument.find('/'); slash != std::string_view::npos) {
    const auto parsed = parse_length(argument.substr(slash + 1), length);
    if (!parsed) return tl::unexpected(parsed.error());
    length = *parsed;
    argument = argument.substr(0, slash);
  }
  const auto address = mail::IpAddress::parse_published(argument);
  if (!address || address->is_v4() != is_ip4) return parse_error("not an address");
  mechanism.network = mail::IpPrefix::around(*address, length);
  return {};
}

Expected<void> read_argument(std::string_view argument, Argument form, Mechanism& mechanism) {
  switch (form) {
    case Argument::none:
      if (!argument.empty()) return parse_error("an argument where none may stand");
      return {};
    case Argument::required_domain:
      return read_domain(argument, true, mechanism);
    case Argument::optional_domain:
      return read_domain(argument, false, mechanism);
    case Argument::optional_domain_lengths: {
      if (auto taken = take_lengths(argument, mechanism); !taken) return taken;
      return read_domain(argument, false, mechanism);
    }
    case Argument::network:
      return read_network(argument, mechanism);
  }
  return {};
}

Qualifier take_qualifier(std::string_view& term) {
  const char first = term.empty() ? '\0' : term.front();
  if (first != '+' && first != '-' && first != '~' && first != '?') return Qualifier::pass;
  term.remove_prefix(1);
  if (first == '-') return Qualifier::fail;
  if (first == '~') return Qualifier::softfail;
  return first == '?' ? Qualifier::neutral : Qualifier::pass;
}

Expected<Mechanism> parse_directive(std::string_view term) {
  Mechanism mechanism;
  mechanism.text = term;
  mechanism.qualifier = take_qualifier(term);
  const std::string_view name = term.substr(0, term.find_first_of(":/"));
  const auto* const syntax =
      std::find_if(mechanism_table.begin(), mechanism_table.end(),
                   [&](const Syntax& row) { return ascii::iequals(row.name, name); });
  if (syntax == mechanism_table.end()) return parse_error("an unknown mechanism");
  mechanism.kind = syntax->kind;
  if (auto read = read_argument(term.substr(name.size()), syntax->argument, mechanism); !read) {
    return tl::unexpected(read.error());
  }
  return mechanism;
}

bool is_modifier_name(std::string_view name) {
  const auto allowed = [](char c) {
    return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && ascii::is_alpha(name.front()) &&
         std::all_of(name.begin(), name.end(), allowed);
}

// Reads exp= or redirect=. Neither may appear twice (RFC 7208 §6).
Expected<void> read_once(std::string_view value, std::optional<MacroString>& slot) {
  if (slot) return parse_error("a modifier that appears twice");
  auto spec = MacroString::parse(value, MacroString::Kind::domain_spec);
  if (!spec) return tl::unexpected(spec.error());
  slot = std::move(*spec);
  return {};
}

Expected<void> read_modifier(std::string_view term, std::size_t equals, Record& record) {
  const std::string_view name = term.substr(0, equals);
  const std::string_view value = term.substr(equals + 1);
  if (!is_modifier_name(name)) return parse_error("a modifier without a proper name");
  if (ascii::iequals(name, "exp")) return read_once(value, record.explanation);
  if (ascii::iequals(name, "redirect")) {
    record.redirect_text = term;
    return read_once(value, record.redirect);
  }
  const auto ignored = MacroString::parse(value, MacroString::Kind::unknown_modifier);
  if (!ignored) return tl::unexpected(ignored.error());
  return {};
}

Expected<void> read_term(std::string_view term, Record& record) {
  // RFC 7208 §4.6.1: a modifier has "=" right after its name, before any ":" or "/".
  const auto separator = term.find_first_of(":/=");
  if (separator != std::string_view::npos && term[separator] == '=') {
    return read_modifier(term, separator, record);
  }
  auto mechanism = parse_directive(term);
  if (!mechanism) return tl::unexpected(mechanism.error());
  record.mechanisms.push_back(std::move(*mechanism));
  return {};
}

}  // namespace

bool is_spf_record(std::string_view text) {
  return ascii::istarts_with(text, version) &&
         (text.size() == version.size() || text[version.size()] == ' ');
}

Expected<Record> Record::parse(std::string_view text) {
  if (!is_spf_record(text)) return parse_error("not an SPF record");
  Record record;
  std::size_t start = version.size();
  while ((start = text.find_first_not_of(' ', start)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    if (auto read = read_term(text.substr(start, end - start), record); !read) {
      return parse_error(std::move(read.error().what), start);
    }
    start = end;
  }
  return record;
}

}  // namespace sekisho::spf
