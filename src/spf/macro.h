// spf/macro.h: macro-strings: their syntax, and what they expand to. RFC 7208 §7. Pure. Expansion
// is bounded: a name keeps its last 253 octets, an explanation its first 400, however long the text
// and the values are.
// Errors: ParseError for syntax, nullopt for an expansion that is not a DNS name; never throws.
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "dns/name.h"
#include "mail/ip_address.h"

namespace sekisho::spf {

// An explanation is cut to this, so that a reply line of 512 octets (RFC 5321 §4.5.3.1.5) can carry
// it.
inline constexpr std::size_t max_explanation_octets = 400;

//   domain-spec   = macro-string domain-end
//   domain-end    = ( "." toplabel [ "." ] ) / macro-expand
//   toplabel      = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
//   explain-string = *( macro-string / SP )
//   macro-string  = *( macro-expand / macro-literal )
//   macro-expand  = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
//   macro-literal = %x21-24 / %x26-7E
//   macro-letter  = "s" / "l" / "o" / "d" / "i" / "p" / "h" / "c" / "r" / "t" / "v"
//   transformers  = *DIGIT [ "r" ]
//   delimiter     = "." / "-" / "+" / "," / "/" / "_" / "="
class MacroString {
 public:
  // The kind decides what the text may hold: `c`, `r` and `t` are not allowed in a name (RFC 7208
  // §7.2), blanks only in explanations, and only a name must end in a top label or a macro.
  enum class Kind { domain_spec, unknown_modifier, explanation };

  // Literal text, or a macro.
  struct Part {
    std::string literal;      // when `letter` is 0
    char letter = 0;          // lower-case
    bool url_escape = false;  // the letter was upper-case
    bool reverse = false;
    std::uint8_t keep = 0;  // right-hand parts to keep; 0 is all
    std::string delimiters = ".";
  };

  static Expected<MacroString> parse(std::string_view text, Kind kind);

  const std::vector<Part>& parts() const { return parts_; }
  // Whether %{p} is in it: the one macro whose value must be asked of the DNS.
  bool uses_validated_name() const { return uses_validated_name_; }

 private:
  std::vector<Part> parts_;
  bool uses_validated_name_ = false;
};

// What the letters stand for (RFC 7208 §7.2).
struct MacroValues {
  mail::IpAddress client;           // i, c, v
  std::string_view local_part;      // l, s
  std::string_view sender_domain;   // o, s
  std::string_view domain;          // d: <domain> of the record in which the macro stands
  std::string_view helo;            // h
  std::string_view receiver;        // r
  std::string_view validated_name;  // p
  WallTime now{};                   // t
};

// The name to ask for: labels are dropped from the left while it is longer than 253 octets (RFC
// 7208 §7.3). nullopt if the rest is not a DNS name.
std::optional<dns::Name> expand_name(const MacroString& text, const MacroValues& values);

// The text for a reply: only printable ASCII (a macro may expand to other octets), cut to
// max_explanation_octets.
std::string expand_explanation(const MacroString& text, const MacroValues& values);

}  // namespace sekisho::spf
