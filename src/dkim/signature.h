// dkim/signature.h: a DKIM-Signature field. RFC 6376 §3.5 and §6.1.1, RFC 8301 §3.1, RFC 8463, RFC
// 8616 §4 (U-labels in d=, s= and i=).
// Errors: ParseError, which for a verifier is permerror; never throws. Thread: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/public_key.h"
#include "dkim/canonical.h"
#include "dns/name.h"
#include "mail/domain_name.h"
#include "mail/tag_list.h"

namespace sekisho::dkim {

//   signature = tag-list with
//   v= "1"                               version
//   a= "rsa-sha256" / "ed25519-sha256"   algorithm ("rsa-sha1" must not be used: RFC 8301 §3.1)
//   b=, bh= base64                       signature, body hash
//   c= form [ "/" form ]                 form = "simple" / "relaxed"; default simple/simple
//   d= domain-name, s= selector          name of the key: s._domainkey.d
//   h= hdr-name *( ":" hdr-name )        signed fields
//   i= [ Local-part ] "@" domain-name    identity, in d= or below; default "@" d=
//   l= 1*76DIGIT                         signed octets of the canonical body; default all
//   q= "dns/txt" [ ":" … ]               how to get the key
//   t=, x= 1*12DIGIT                     signed, expires: seconds since 1970
struct Signature {
  crypto::KeyType key_type = crypto::KeyType::rsa;
  std::string signature;  // b=, decoded
  std::string body_hash;  // bh=, decoded: 32 octets
  Canonicalisation header_form = Canonicalisation::simple;
  Canonicalisation body_form = Canonicalisation::simple;
  mail::DomainName domain;           // d=
  mail::DomainName identity_domain;  // of i=
  dns::Name key_name;
  std::vector<std::string> signed_fields;  // h=, lower-case
  std::optional<std::uint64_t> body_length;
  std::optional<std::int64_t> signed_at;
  std::optional<std::int64_t> expires_at;
};

// The claims of a signature, each in its canonical spelling, or empty if it is missing or
// malformed. They are copied to header fields and logs.
struct Claims {
  std::string domain;
  std::string selector;
  std::string algorithm;
  std::string identity;
  std::string signature_start;
};

Claims read_claims(const mail::TagList& tags);
Expected<Signature> parse_signature(const mail::TagList& tags);

// §3.7: the value of the field as it is signed: before and after the value of b=, which counts as
// empty together with the blanks around it.
std::pair<std::string_view, std::string_view> around_signature(std::string_view value);

}  // namespace sekisho::dkim
