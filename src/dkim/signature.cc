#include "dkim/signature.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "dkim/colon_list.h"
#include "mail/mailbox.h"

namespace sekisho::dkim {

namespace {

using mail::DomainName;
using mail::TagList;

struct Algorithm {
  std::string_view name;
  std::optional<crypto::KeyType> key_type;  // nullopt: known, but must not be used
};

// RFC 8301 §3.1 and RFC 8463 §3; rsa-sha1 "MUST NOT be used".
constexpr std::array algorithms = {
    Algorithm{"rsa-sha256", crypto::KeyType::rsa},
    Algorithm{"ed25519-sha256", crypto::KeyType::ed25519},
    Algorithm{"rsa-sha1", std::nullopt},
};

const Algorithm* find_algorithm(std::string_view name) {
  const auto found = std::find_if(algorithms.begin(), algorithms.end(), [&](const Algorithm& a) {
    return ascii::iequals(a.name, name);  // an ABNF literal: any case
  });
  return found == algorithms.end() ? nullptr : &*found;
}

std::optional<unsigned> hex_digit(char c) {
  if (ascii::is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ascii::to_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

// RFC 6376 §2.11 dkim-quoted-printable: =XX is an octet, blanks do not count.
std::optional<std::string> decode_quoted_printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (ascii::is_blank(text[i])) continue;
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

struct Identity {
  std::string text;
  DomainName domain;
};

// i= is an address, or `@` and a domain (§3.5: Local-part is that of RFC 5321 §4.1.2, which may be
// a quoted string). It is kept as SMTP writes it, quoted where it must be; a header field quotes it
// once more, like any other value.
Expected<Identity> parse_identity(std::string_view value) {
  const auto decoded = decode_quoted_printable(value);
  if (!decoded) return parse_error("i= has a broken =XX");
  if (decoded->starts_with('@')) {
    auto domain = DomainName::parse(std::string_view(*decoded).substr(1));
    if (!domain) return parse_error("i= has no domain");
    return Identity{"@" + domain->text(), std::move(*domain)};
  }
  auto mailbox = mail::Mailbox::parse(*decoded);
  if (!mailbox || !is_utf8(mailbox->local_part)) return parse_error("i= is no address");
  std::string text = mailbox->text();
  return Identity{std::move(text), std::move(mailbox->domain)};
}

Expected<std::string_view> required(const TagList& tags, std::string_view name) {
  const auto value = tags.find(name);
  if (!value || value->empty()) return parse_error(std::string(name) + "= is missing or empty");
  return *value;
}

Expected<std::string> decode_base64(const TagList& tags, std::string_view name) {
  const auto value = required(tags, name);
  if (!value) return tl::unexpected<ParseError>(value.error());
  auto decoded = base64_decode(mail::without_blanks(*value));
  if (!decoded) return parse_error(std::string(name) + "= is not base64");
  return std::move(*decoded);
}

// t= and x=: 1*12DIGIT.
Expected<std::optional<std::int64_t>> parse_time_tag(const TagList& tags, std::string_view name) {
  const auto value = tags.find(name);
  if (!value) return std::nullopt;
  const bool digits = std::all_of(value->begin(), value->end(), ascii::is_digit);
  if (value->empty() || value->size() > 12 || !digits) {
    return parse_error(std::string(name) + "= is no time");
  }
  std::int64_t seconds = 0;
  std::from_chars(value->data(), value->data() + value->size(), seconds);
  return seconds;
}

// l=: 1*76DIGIT. A number that does not fit is longer than any body.
Expected<std::optional<std::uint64_t>> parse_length(const TagList& tags) {
  const auto value = tags.find("l");
  if (!value) return std::nullopt;
  const bool digits = std::all_of(value->begin(), value->end(), ascii::is_digit);
  if (value->empty() || value->size() > 76 || !digits) return parse_error("l= is no length");
  std::uint64_t length = 0;
  const auto parsed = std::from_chars(value->data(), value->data() + value->size(), length);
  if (parsed.ec != std::errc()) length = std::numeric_limits<std::uint64_t>::max();
  return length;
}

std::optional<Canonicalisation> parse_form(std::string_view name) {
  if (ascii::iequals(name, "simple")) return Canonicalisation::simple;
  if (ascii::iequals(name, "relaxed")) return Canonicalisation::relaxed;
  return std::nullopt;
}

Expected<void> read_forms(const TagList& tags, Signature& out) {
  const auto value = tags.find("c");
  if (!value) return {};
  const auto slash = value->find('/');
  const auto header_form = parse_form(value->substr(0, slash));
  const auto body_form = slash == std::string_view::npos ? Canonicalisation::simple
                                                         : parse_form(value->substr(slash + 1));
  if (!header_form || !body_form) return parse_error("c= is an unknown canonicalisation");
  out.header_form = *header_form;
  out.body_form = *body_form;
  return {};
}

// §6.1.1: a signature that does not cover From proves nothing.
Expected<std::vector<std::string>> parse_signed_fields(const TagList& tags) {
  const auto value = required(tags, "h");
  if (!value) return tl::unexpected<ParseError>(value.error());
  std::vector<std::string> names;
  bool from = false;
  for (const std::string_view name : ColonList(*value)) {
    const bool field_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return c > ' ' && c < 0x7f;  // RFC 5322 §3.6.8 ftext; a colon cannot be here
    });
    if (!field_name) return parse_error("h= is no list of field names");
    names.push_back(ascii::lower(name));
    from = from || names.back() == "from";
  }
  if (!from) return parse_error("From is not signed");
  return names;
}

Expected<void> check_query_methods(const TagList& tags) {
  const auto value = tags.find("q");
  if (!value) return {};
  for (const std::string_view method : ColonList(*value)) {
    if (ascii::iequals(method, "dns/txt")) return {};
  }
  return parse_error("q= has no known query method");
}

Expected<crypto::KeyType> parse_algorithm(const TagList& tags) {
  const auto name = required(tags, "a");
  if (!name) return tl::unexpected<ParseError>(name.error());
  const Algorithm* algorithm = find_algorithm(*name);
  if (algorithm == nullptr) return parse_error("a= is an unknown algorithm");
  if (!algorithm->key_type) return parse_error("rsa-sha1 must not be used (RFC 8301)");
  return *algorithm->key_type;
}

Expected<DomainName> parse_domain(const TagList& tags, std::string_view name) {
  const auto value = required(tags, name);
  if (!value) return tl::unexpected<ParseError>(value.error());
  auto domain = DomainName::parse(*value);
  if (!domain) {
    return parse_error(std::string(name) + (name == "d" ? "= is no domain" : "= is no selector"));
  }
  return domain;
}

Expected<dns::Name> parse_key_name(const TagList& tags, const DomainName& domain) {
  const auto selector = parse_domain(tags, "s");
  if (!selector) return tl::unexpected<ParseError>(selector.error());
  const auto name = dns::Name::from(selector->text() + "._domainkey." + domain.text());
  if (!name) return parse_error("the name of the key is too long");
  return *name;
}

// i= must be the signing domain or below it (§6.1.1); without i= it is the signing domain.
Expected<DomainName> parse_identity_domain(const TagList& tags, const DomainName& domain) {
  const auto value = tags.find("i");
  if (!value) return domain;
  auto identity = parse_identity(*value);
  if (!identity) return tl::unexpected<ParseError>(identity.error());
  if (!identity->domain.is_or_is_below(domain)) return parse_error("i= is not within d=");
  return std::move(identity->domain);
}

Expected<void> read_digests(const TagList& tags, Signature& out) {
  auto signature = decode_base64(tags, "b");
  if (!signature) return tl::unexpected<ParseError>(signature.error());
  auto body_hash = decode_base64(tags, "bh");
  if (!body_hash) return tl::unexpected<ParseError>(body_hash.error());
  if (body_hash->size() != 32) return parse_error("bh= is no SHA-256 hash");
  // RFC 8032 §5.1.6.
  if (out.key_type == crypto::KeyType::ed25519 && signature->size() != 64) {
    return parse_error("b= is no Ed25519 signature");
  }
  out.signature = std::move(*signature);
  out.body_hash = std::move(*body_hash);
  return {};
}

Expected<void> read_times(const TagList& tags, Signature& out) {
  const auto signed_at = parse_time_tag(tags, "t");
  if (!signed_at) return tl::unexpected<ParseError>(signed_at.error());
  const auto expires_at = parse_time_tag(tags, "x");
  if (!expires_at) return tl::unexpected<ParseError>(expires_at.error());
  out.signed_at = *signed_at;
  out.expires_at = *expires_at;
  // §3.5: "The value of the "x=" tag MUST be greater than the value of the "t=" tag".
  if (out.signed_at && out.expires_at && *out.expires_at <= *out.signed_at) {
    return parse_error("x= is not after t=");
  }
  return {};
}

// The tags that do not name the signer.
Expected<void> read_details(const TagList& tags, Signature& out) {
  auto fields = parse_signed_fields(tags);
  if (!fields) return tl::unexpected<ParseError>(fields.error());
  out.signed_fields = std::move(*fields);
  const auto length = parse_length(tags);
  if (!length) return tl::unexpected<ParseError>(length.error());
  out.body_length = *length;
  if (auto read = read_forms(tags, out); !read) return read;
  if (auto read = check_query_methods(tags); !read) return read;
  if (auto read = read_digests(tags, out); !read) return read;
  return read_times(tags, out);
}

}  // namespace

Claims read_claims(const TagList& tags) {
  Claims claims;
  if (const auto domain = parse_domain(tags, "d")) {
    claims.domain = domain->text();
    if (!tags.find("i")) claims.identity = "@" + domain->text();
  }
  if (const auto selector = parse_domain(tags, "s")) claims.selector = selector->text();
  if (const auto algorithm = tags.find("a")) {
    if (const Algorithm* known = find_algorithm(*algorithm)) claims.algorithm = known->name;
  }
  if (const auto value = tags.find("i")) {
    if (auto identity = parse_identity(*value)) claims.identity = std::move(identity->text);
  }
  if (const auto value = tags.find("b")) {
    const std::string text = mail::without_blanks(*value);
    if (base64_decode(text)) claims.signature_start = text.substr(0, 8);  // RFC 6008 §3
  }
  return claims;
}

Expected<Signature> parse_signature(const TagList& tags) {
  const auto version = required(tags, "v");
  if (!version) return tl::unexpected<ParseError>(version.error());
  if (*version != "1") return parse_error("v= is not 1");
  const auto key_type = parse_algorithm(tags);
  if (!key_type) return tl::unexpected<ParseError>(key_type.error());
  auto domain = parse_domain(tags, "d");
  if (!domain) return tl::unexpected<ParseError>(domain.error());
  auto key_name = parse_key_name(tags, *domain);
  if (!key_name) return tl::unexpected<ParseError>(key_name.error());
  auto identity_domain = parse_identity_domain(tags, *domain);
  if (!identity_domain) return tl::unexpected<ParseError>(identity_domain.error());

  Signature signature{
      .key_type = *key_type,
      .signature = {},
      .body_hash = {},
      .domain = std::move(*domain),
      .identity_domain = std::move(*identity_domain),
      .key_name = std::move(*key_name),
      .signed_fields = {},
      .body_length = {},
      .signed_at = {},
      .expires_at = {},
  };
  if (const auto read = read_details(tags, signature); !read) {
    return tl::unexpected<ParseError>(read.error());
  }
  return signature;
}

std::pair<std::string_view, std::string_view> around_signature(std::string_view value) {
  for (std::size_t start = 0; start < value.size();) {
    const std::size_t end = std::min(value.find(';', start), value.size());
    const std::string_view tag = value.substr(start, end - start);
    const std::size_t equals = tag.find('=');
    if (equals != std::string_view::npos && ascii::trim(tag.substr(0, equals)) == "b") {
      return {value.substr(0, start + equals + 1), value.substr(end)};
    }
    start = end + 1;
  }
  return {value, {}};
}

}  // namespace sekisho::dkim
