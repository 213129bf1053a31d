// spf/result.h: the result of an SPF evaluation. RFC 7208 §2.6, RFC 8601 §2.7.2.
// Thread: immutable value.
#pragma once

#include <string>
#include <string_view>

#include "base/words.h"

namespace sekisho::spf {

enum class Code { none, neutral, pass, fail, softfail, temperror, permerror };
enum class Scope { mfrom, helo };  // RFC 7208 §2.3, §2.4
constexpr auto words_of(Code) {
  return words<Code>({{Code::none, "none"},
                      {Code::neutral, "neutral"},
                      {Code::pass, "pass"},
                      {Code::fail, "fail"},
                      {Code::softfail, "softfail"},
                      {Code::temperror, "temperror"},
                      {Code::permerror, "permerror"}});
}
constexpr auto words_of(Scope) {
  return words<Scope>({{Scope::mfrom, "mfrom"}, {Scope::helo, "helo"}});
}

struct Result {
  Scope scope = Scope::mfrom;
  Code code = Code::none;
  // the domain that was checked, lower-case; may be empty when there was none to check
  std::string domain;
  std::string reason;  // for people: the mechanism that matched ("-all"), the limit that broke, the
                       // lookup that failed
  std::string explanation;  // the sender's own exp= text for `fail`, expanded and cleaned for SMTP;
                            // usually empty
  bool overbroad = false;   // it came by a term that allows nearly everybody

  // Whether the domain allows this client to send, and not just every client.
  bool proves() const { return code == Code::pass && !overbroad; }
  bool operator==(const Result&) const = default;
};

}  // namespace sekisho::spf
