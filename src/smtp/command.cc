#include "smtp/command.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/ip_address.h"

namespace sekisho::smtp {

namespace {

struct VerbRow {
  std::string_view word;
  Verb verb;
};
constexpr std::array verbs = {
    VerbRow{"EHLO", Verb::ehlo},       VerbRow{"MAIL", Verb::mail},
    VerbRow{"RCPT", Verb::rcpt},       VerbRow{"DATA", Verb::data},
    VerbRow{"QUIT", Verb::quit},       VerbRow{"RSET", Verb::rset},
    VerbRow{"NOOP", Verb::noop},       VerbRow{"STARTTLS", Verb::starttls},
    VerbRow{"AUTH", Verb::auth},       VerbRow{"HELO", Verb::helo},
    VerbRow{"VRFY", Verb::vrfy},       VerbRow{"EXPN", Verb::expn},
    VerbRow{"HELP", Verb::help},       VerbRow{"BDAT", Verb::bdat},
    VerbRow{"ETRN", Verb::etrn},       VerbRow{"XCLIENT", Verb::xclient},
    VerbRow{"GET", Verb::http},        VerbRow{"POST", Verb::http},
    VerbRow{"PUT", Verb::http},        VerbRow{"HEAD", Verb::http},
    VerbRow{"CONNECT", Verb::http},    VerbRow{"OPTIONS", Verb::http},
    VerbRow{"DELETE", Verb::http},     VerbRow{"TRACE", Verb::http},
    VerbRow{"PATCH", Verb::http},      VerbRow{"HOST:", Verb::http},
    VerbRow{"USER-AGENT:", Verb::http}};

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && ascii::is_wsp(text.front())) text.remove_prefix(1);
  return text;
}

// An address at the front of an argument, without its brackets, and what follows it.
struct PathText {
  std::string_view path;
  std::string_view rest;
};

// The first octet for which `ends` is true, outside of a quoted string.
template <class Ends>
std::size_t find_unquoted(std::string_view text, const Ends& ends) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && ends(text[i])) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::optional<PathText> cut_path(std::string_view text) {
  if (!text.starts_with('<')) {
    const auto end = find_unquoted(text, ascii::is_wsp);
    const auto path = text.substr(0, end);
    if (path.empty() || path.find_first_of("<>") != std::string_view::npos) return std::nullopt;
    return PathText{path, end == std::string_view::npos ? "" : text.substr(end)};
  }
  text.remove_prefix(1);
  const auto end = find_unquoted(text, [](char c) { return c == '>'; });
  if (end == std::string_view::npos) return std::nullopt;
  const auto rest = text.substr(end + 1);
  if (!rest.empty() && !ascii::is_wsp(rest.front())) return std::nullopt;
  return PathText{text.substr(0, end), rest};
}

// RFC 5321 §4.1.3.
bool is_literal(std::string_view domain) {
  if (domain.size() < 2 || domain.front() != '[' || domain.back() != ']') return false;
  domain = domain.substr(1, domain.size() - 2);
  const bool v6 = ascii::istarts_with(domain, "IPv6:");
  if (v6) domain.remove_prefix(5);
  const auto address = mail::IpAddress::parse(domain);
  return address && (v6 || address->is_v4());
}

// "a@[192.0.2.1]", or "root": no mailbox in the sense of mail/mailbox.h, and yet a path.
bool is_path_without_domain_name(std::string_view path) {
  // The domain stands in, so that the local part is read by the same rules.
  const auto at = path.rfind('@');
  const bool literal = at != std::string_view::npos && is_literal(path.substr(at + 1));
  if (at != std::string_view::npos && !literal && !path.ends_with('"')) return false;
  const auto local = literal ? path.substr(0, at) : path;
  return mail::Mailbox::parse(std::string(local) + "@x").has_value();
}

std::string_view without_source_route(std::string_view path) {
  if (!path.starts_with('@')) return path;
  return mail::ReversePath::parse(path) ? path.substr(path.find(':') + 1) : path;
}

bool has_8bit(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

tl::unexpected<Reply> fault(int code, std::string status, std::string text) {
  return tl::unexpected<Reply>(Reply{code, std::move(status), std::move(text)});
}

struct Side {
  std::string_view keyword;   // "FROM:"
  std::string_view usage;     // for the reply
  std::string_view bad_path;  // RFC 3463: the address is malformed
  bool may_be_null;
};
constexpr Side sender{"FROM:", "Syntax: MAIL FROM:<address>", "5.1.7", true};
constexpr Side recipient{"TO:", "Syntax: RCPT TO:<address>", "5.1.3", false};

struct Envelope {
  mail::Path path;
  std::string_view parameters;
  bool needs_utf8 = false;
};

Expected<Envelope, Reply> read_path(std::string_view argument, const Side& side) {
  const auto usage = [&] { return fault(501, "5.5.4", std::string(side.usage)); };
  // "FROM:" and "FROM :": people type both.
  const auto colon = argument.find(':');
  if (colon == std::string_view::npos) return usage();
  const auto word = ascii::trim(argument.substr(0, colon));
  if (!ascii::iequals(word, side.keyword.substr(0, side.keyword.size() - 1))) return usage();
  const auto cut = cut_path(skip_blanks(argument.substr(colon + 1)));
  if (!cut) return usage();
  if (cut->path.size() > most_path_octets) {
    return fault(501, std::string(side.bad_path), "Path too long");
  }
  const auto path = without_source_route(cut->path);
  const bool valid = path.empty() ? side.may_be_null
                                  : mail::Mailbox::parse(path) || is_path_without_domain_name(path);
  if (!valid) return fault(501, std::string(side.bad_path), "Bad address syntax");
  return Envelope{mail::Path(path), cut->rest, has_8bit(path)};
}

struct Parameter {
  std::string_view text;  // all of it
  std::string_view keyword;
  std::optional<std::string_view> value;
};

// RFC 5321 §4.1.2: esmtp-keyword ["=" esmtp-value].
std::optional<Parameter> read_parameter(std::string_view text) {
  const auto equals = text.find('=');
  Parameter out{text, text.substr(0, equals), std::nullopt};
  if (equals != std::string_view::npos) out.value = text.substr(equals + 1);
  const auto& keyword = out.keyword;
  if (keyword.empty() || !ascii::is_alnum(keyword.front())) return std::nullopt;
  const bool plain = std::all_of(keyword.begin(), keyword.end(),
                                 [](char c) { return ascii::is_alnum(c) || c == '-'; });
  if (!plain) return std::nullopt;
  if (out.value && (out.value->empty() || out.value->find('=') != std::string_view::npos)) {
    return std::nullopt;
  }
  return out;
}

Expected<std::vector<Parameter>, Reply> read_parameters(std::string_view text) {
  std::vector<Parameter> out;
  for (text = skip_blanks(text); !text.empty(); text = skip_blanks(text)) {
    const auto end = std::find_if(text.begin(), text.end(), ascii::is_wsp);
    const auto length = static_cast<std::size_t>(end - text.begin());
    const auto parameter = read_parameter(text.substr(0, length));
    if (!parameter) return fault(501, "5.5.4", "Malformed parameter");
    const bool again = std::any_of(out.begin(), out.end(), [&](const Parameter& other) {
      return ascii::iequals(other.keyword, parameter->keyword);
    });
    if (again) return fault(501, "5.5.4", "A parameter is given twice");
    out.push_back(*parameter);
    text.remove_prefix(length);
  }
  return out;
}

using Checked = Expected<void, Reply>;

Checked bad_value(const Parameter& parameter) {
  return fault(501, "5.5.4", "Bad value of " + std::string(parameter.keyword));
}

Checked take_size(const Parameter& parameter, const EnvelopeRules& rules, MailArguments& out) {
  const auto text = parameter.value.value_or("");
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out.size);
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_digit);
  if (!digits || text.size() > 20) return bad_value(parameter);
  const bool over = failed == std::errc::result_out_of_range;
  if (over || (rules.message_size > 0 && out.size > rules.message_size)) {
    return fault(552, "5.3.4", "Message size exceeds fixed limit");
  }
  return {};
}

// RFC 3461 §4.4: at most 100 octets of xtext.
Checked take_envid(const Parameter& parameter, MailArguments& out) {
  if (!parameter.value || parameter.value->size() > 100 || !decode_xtext(*parameter.value)) {
    return bad_value(parameter);
  }
  out.parameters.emplace_back(parameter.text);
  return {};
}

Checked take_word(const Parameter& parameter, std::initializer_list<std::string_view> words,
                  MailArguments& out) {
  const bool known = parameter.value && std::any_of(words.begin(), words.end(), [&](auto word) {
                       return ascii::iequals(word, *parameter.value);
                     });
  if (!known) return bad_value(parameter);
  out.parameters.emplace_back(parameter.text);
  return {};
}

Checked take_smtputf8(const Parameter& parameter, MailArguments& out) {
  if (parameter.value) return bad_value(parameter);
  out.smtputf8 = true;
  out.parameters.emplace_back(parameter.text);
  return {};
}

// RFC 4954 §5: xtext, or "<>". What it says is believed of nobody.
Checked skip_auth(const Parameter& parameter) {
  const bool valid = parameter.value && (parameter.value == "<>" || decode_xtext(*parameter.value));
  return valid ? Checked() : bad_value(parameter);
}

Checked take_mail_parameter(const Parameter& parameter, const EnvelopeRules& rules,
                            MailArguments& out) {
  const auto is = [&](std::string_view name) { return ascii::iequals(parameter.keyword, name); };
  if (is("SIZE")) return take_size(parameter, rules, out);
  if (is("BODY")) return take_word(parameter, {"7BIT", "8BITMIME"}, out);
  if (is("RET")) return take_word(parameter, {"FULL", "HDRS"}, out);
  if (is("ENVID")) return take_envid(parameter, out);
  if (is("AUTH")) return skip_auth(parameter);
  if (is("SMTPUTF8") && rules.smtputf8) return take_smtputf8(parameter, out);
  return fault(555, "5.5.4", "Unsupported parameter");
}

bool is_notify(std::string_view value) {
  if (ascii::iequals(value, "NEVER")) return true;
  for (;;) {
    const auto comma = value.find(',');
    const auto word = value.substr(0, comma);
    const bool known = ascii::iequals(word, "SUCCESS") || ascii::iequals(word, "FAILURE") ||
                       ascii::iequals(word, "DELAY");
    if (!known) return false;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

// RFC 3461 §4.2: addr-type ";" xtext, at most 500 octets. RFC 6533: "utf-8;" with other escapes.
bool is_orcpt(std::string_view value, bool smtputf8) {
  const auto semicolon = value.find(';');
  if (value.size() > 500 || semicolon == 0 || semicolon == std::string_view::npos) return false;
  const auto type = value.substr(0, semicolon);
  const bool plain =
      std::all_of(type.begin(), type.end(), [](char c) { return ascii::is_alnum(c) || c == '-'; });
  if (!plain) return false;
  const auto address = value.substr(semicolon + 1);
  if (smtputf8 && ascii::iequals(type, "utf-8")) return !address.empty();
  return !address.empty() && decode_xtext(address);
}

Checked take_rcpt_parameter(const Parameter& parameter, bool smtputf8, RcptArguments& out) {
  const bool notify = ascii::iequals(parameter.keyword, "NOTIFY");
  if (!notify && !ascii::iequals(parameter.keyword, "ORCPT")) {
    return fault(555, "5.5.4", "Unsupported parameter");
  }
  const auto value = parameter.value.value_or("");
  if (!(notify ? is_notify(value) : is_orcpt(value, smtputf8))) return bad_value(parameter);
  out.parameters.emplace_back(parameter.text);
  return {};
}

// RFC 6531 §3.4, 3629.
Checked check_octets(const Envelope& envelope, bool smtputf8) {
  if (!envelope.needs_utf8) return {};
  if (!smtputf8) {
    return fault(553, "5.6.7", "The address is not ASCII, and SMTPUTF8 was not asked for");
  }
  if (!is_utf8(envelope.path.raw())) return fault(501, "5.5.4", "The address is not UTF-8");
  return {};
}

}  // namespace

Command read_command(std::string_view line) {
  const auto end = std::find_if(line.begin(), line.end(), ascii::is_wsp);
  const auto length = static_cast<std::size_t>(end - line.begin());
  const auto word = line.substr(0, length);
  Command out{Verb::unknown, ascii::trim(line.substr(length))};
  for (const auto& row : verbs) {
    if (ascii::iequals(word, row.word)) out.verb = row.verb;
  }
  return out;
}

Expected<MailArguments, Reply> read_mail(std::string_view argument, const EnvelopeRules& rules) {
  auto envelope = read_path(argument, sender);
  if (!envelope) return tl::unexpected<Reply>(envelope.error());
  const auto parameters = read_parameters(envelope->parameters);
  if (!parameters) return tl::unexpected<Reply>(parameters.error());
  MailArguments out{envelope->path};
  for (const auto& parameter : *parameters) {
    if (auto taken = take_mail_parameter(parameter, rules, out); !taken) {
      return tl::unexpected<Reply>(taken.error());
    }
  }
  if (auto readable = check_octets(*envelope, out.smtputf8); !readable) {
    return tl::unexpected<Reply>(readable.error());
  }
  return out;
}

Expected<RcptArguments, Reply> read_rcpt(std::string_view argument, bool smtputf8) {
  auto envelope = read_path(argument, recipient);
  if (!envelope) return tl::unexpected<Reply>(envelope.error());
  const auto parameters = read_parameters(envelope->parameters);
  if (!parameters) return tl::unexpected<Reply>(parameters.error());
  if (auto readable = check_octets(*envelope, smtputf8); !readable) {
    return tl::unexpected<Reply>(readable.error());
  }
  RcptArguments out{std::move(envelope->path)};
  for (const auto& parameter : *parameters) {
    if (auto taken = take_rcpt_parameter(parameter, smtputf8, out); !taken) {
      return tl::unexpected<Reply>(taken.error());
    }
  }
  return out;
}

std::optional<std::string> decode_xtext(std::string_view text) {
  const auto digit = [](char c) {
    const auto at = std::string_view("0123456789ABCDEF").find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int octet = static_cast<unsigned char>(text[i]);
    if (octet == '=') return std::nullopt;
    if (octet == '+') {
      if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) {
        return std::nullopt;
      }
      octet = digit(text[i + 1]) * 16 + digit(text[i + 2]);
      i += 2;
    }
    if (octet < ' ' || octet > '~') return std::nullopt;
    out += static_cast<char>(octet);
  }
  return out;
}

bool is_well_formed_helo(std::string_view name) {
  if (is_literal(name) || mail::IpAddress::parse(name)) return true;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 255) return false;
  bool begins = true;  // of a label
  for (const char c : name) {
    if (c == '.' ? begins : !ascii::is_alnum(c) && c != '-' && c != '_') return false;
    begins = c == '.';
  }
  return !begins;
}

}  // namespace sekisho::smtp
