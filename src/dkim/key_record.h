// dkim/key_record.h: a public key as its owner publishes it in the DNS.
// RFC 6376 §3.6.1, RFC 8463 §4.
// Errors: ParseError, which for a verifier is permerror; never throws. Thread: immutable value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/public_key.h"

namespace sekisho::dkim {

//   key record = tag-list with
//   v= "DKIM1"                 first, if at all
//   h= alg *( ":" alg )        acceptable hashes, "sha256" (also seen: "rsa-sha256"); default all
//   k= "rsa" / "ed25519"       key type; default rsa
//   p= [ base64 ]              the key; empty when revoked
//   s= type *( ":" type )      services, "*" or "email"; default all
//   t= flag *( ":" flag )      "y": testing; "s": i= must have the domain of d=
struct KeyRecord {
  std::optional<crypto::KeyType> key_type;  // nullopt: an unknown type
  std::string key;                          // p=, decoded; empty: revoked
  bool allows_sha256 = true;
  bool for_email = true;
  bool testing = false;
  bool same_domain_only = false;

  static Expected<KeyRecord> parse(std::string_view text);
};

}  // namespace sekisho::dkim
