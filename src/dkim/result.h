// dkim/result.h: the result of each DKIM-Signature field. RFC 6376 §3.9, RFC 8601 §2.7.1.
// Thread: immutable values.
#pragma once

#include <string>
#include <string_view>

#include "base/words.h"

namespace sekisho::dkim {

// `policy`: a signature that we do not accept though it may be valid (too many, `l=` with more
// body, RFC 8301's limits).
enum class Code { none, pass, fail, policy, neutral, temperror, permerror };
constexpr auto words_of(Code) {
  return words<Code>({{Code::none, "none"},
                      {Code::pass, "pass"},
                      {Code::fail, "fail"},
                      {Code::policy, "policy"},
                      {Code::neutral, "neutral"},
                      {Code::temperror, "temperror"},
                      {Code::permerror, "permerror"}});
}

struct SignatureResult {
  Code code = Code::none;
  std::string domain;           // d=, lower-case A-labels; empty when it was no domain name
  std::string selector;         // s=, lower-case; empty when it was no selector
  std::string algorithm;        // a=, one of the registered names; empty otherwise
  std::string identity;         // i= as decoded, or "@" + d=; empty when it was malformed
  std::string signature_start;  // first 8 characters of b= (RFC 6008), to tell signatures apart
  std::string reason;           // for people
  unsigned key_bits = 0;        // 0: unknown
  bool testing = false;         // t=y in the key record

  // RFC 6376 §3.6.1: a message signed in testing mode is treated as unsigned.
  bool proves() const { return code == Code::pass && !testing; }
  bool operator==(const SignatureResult&) const = default;
};

}  // namespace sekisho::dkim
