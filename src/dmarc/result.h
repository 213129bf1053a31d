// dmarc/result.h: the result of a DMARC evaluation, with all that an aggregate report needs. RFC
// 9989 §4.7, §5.3; RFC 9990.
// Thread: immutable values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.h"

namespace sekisho::dmarc {

enum class Code { none, pass, fail, temperror, permerror };  // RFC 8601, RFC 9989 §9.1
enum class Policy { none, quarantine, reject };
enum class Discovery { treewalk, psl };
enum class Psd { unknown, yes, no };  // psd=u, y, n
constexpr auto words_of(Code) {
  return words<Code>({{Code::none, "none"},
                      {Code::pass, "pass"},
                      {Code::fail, "fail"},
                      {Code::temperror, "temperror"},
                      {Code::permerror, "permerror"}});
}
constexpr auto words_of(Policy) {
  return words<Policy>(
      {{Policy::none, "none"}, {Policy::quarantine, "quarantine"}, {Policy::reject, "reject"}});
}
constexpr auto words_of(Discovery) {
  return words<Discovery>({{Discovery::treewalk, "treewalk"}, {Discovery::psl, "psl"}});
}
constexpr auto words_of(Psd) {
  return words<Psd>({{Psd::unknown, "u"}, {Psd::yes, "y"}, {Psd::no, "n"}});
}

// The record as published, values after defaults.
struct Published {
  Policy p = Policy::none;
  std::optional<Policy> sp;
  std::optional<Policy> np;
  bool adkim_strict = false;
  bool aspf_strict = false;
  std::string fo = "0";
  bool testing = false;  // t=y
  Psd psd = Psd::unknown;
  std::vector<std::string> rua;  // URIs as written
  std::vector<std::string> ruf;
  bool operator==(const Published&) const = default;
};

struct Result {
  Code code = Code::none;
  std::string from;           // Author Domain
  std::string alias;          // not empty: From names this one, and the MTA makes `from` of it
  std::string policy_domain;  // where the record was found
  std::string org_domain;     // Organizational Domain of the Author Domain
  Discovery discovery = Discovery::treewalk;
  std::string tag;  // "p", "sp" or "np": which one gave the policy; empty without a record
  Policy policy = Policy::none;     // its value, as published
  Policy requested = Policy::none;  // what the owner asks for this message: none unless `fail`; t=y
                                    // lowers it by one step
  std::optional<Published> published;
  // For a temperror: the strictest policy that the owner could request, had the DNS answered.
  // `none` if no answer could have made the message fail, or if the failed lookups do not affect
  // the policy.
  std::optional<Policy> could_ask;
  // … and the policy that the owner requests if the DNS never answers: failed checks prove nothing,
  // and failed names have no record.
  std::optional<Policy> asks_anyway;
  bool author_exists = true;  // false: the Author Domain is NXDOMAIN (RFC 9989 §3.2.13); looked up
                              // only where np counts
  bool aligned_spf = false;
  bool aligned_dkim = false;
  std::vector<std::string> queries;  // the TXT names that discovery consulted, in order
  std::string reason;                // for people
  bool operator==(const Result&) const = default;
};

}  // namespace sekisho::dmarc
