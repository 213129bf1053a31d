// spf/record.h: an SPF record and its syntax. RFC 7208 §4.5, §4.6, §5, §6, §12. A syntax error
// anywhere makes the whole record an error.
// Errors: ParseError; never throws. Thread: immutable values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/ip_address.h"
#include "spf/macro.h"

namespace sekisho::spf {

enum class Qualifier { pass, fail, softfail, neutral };  // "+" "-" "~" "?"
enum class MechanismKind { all, include, a, mx, ptr, ip4, ip6, exists };

//   directive   = [ qualifier ] mechanism
//   qualifier   = "+" / "-" / "?" / "~"
//   all         = "all"
//   include     = "include" ":" domain-spec
//   a           = "a"       [ ":" domain-spec ] [ dual-cidr-length ]
//   mx          = "mx"      [ ":" domain-spec ] [ dual-cidr-length ]
//   ptr         = "ptr"     [ ":" domain-spec ]
//   ip4         = "ip4" ":" ip4-network [ ip4-cidr-length ]
//   ip6         = "ip6" ":" ip6-network [ ip6-cidr-length ]
//   exists      = "exists"  ":" domain-spec
//   dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
//   ip4-cidr-length  = "/" ("0" / %x31-39 0*1DIGIT) ; 0-32
//   ip6-cidr-length  = "/" ("0" / %x31-39 0*2DIGIT) ; 0-128
struct Mechanism {
  Qualifier qualifier = Qualifier::pass;
  MechanismKind kind = MechanismKind::all;
  std::optional<MacroString> domain_spec;  // absent: <domain> itself
  int ip4_length = 32;                     // a, mx
  int ip6_length = 128;
  // ip4, ip6. An ip6-network within ::ffff:0:0/96 matches no client: clients there are IPv4 (RFC
  // 7208 §5).
  std::optional<mail::IpPrefix> network;
  std::string text;  // as it stood, with its qualifier
};

//   record           = version terms *SP
//   version          = "v=spf1"
//   terms            = *( 1*SP ( directive / modifier ) )
//   modifier         = redirect / explanation / unknown-modifier
//   redirect         = "redirect" "=" domain-spec
//   explanation      = "exp" "=" domain-spec
//   unknown-modifier = name "=" macro-string
//   name             = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
struct Record {
  std::vector<Mechanism> mechanisms;
  std::optional<MacroString> redirect;
  std::string redirect_text;  // "redirect=…", as it stood
  std::optional<MacroString> explanation;

  static Expected<Record> parse(std::string_view text);
};

// Whether a TXT record is an SPF record: the version, in any case, then a space or the end (RFC
// 7208 §4.5).
bool is_spf_record(std::string_view text);

}  // namespace sekisho::spf
