// client/result.h: the results about the client. RFC 8601 §2.7.3 (iprev), RFC 5782 (DNS lists).
// Thread: immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/words.h"

namespace sekisho::client {

enum class IprevCode { none, pass, fail, temperror, permerror };
constexpr auto words_of(IprevCode) {
  return words<IprevCode>({{IprevCode::none, "none"},
                           {IprevCode::pass, "pass"},
                           {IprevCode::fail, "fail"},
                           {IprevCode::temperror, "temperror"},
                           {IprevCode::permerror, "permerror"}});
}

struct IprevResult {
  IprevCode code = IprevCode::none;  // none: not looked up (no address)
  std::string name;                  // the verified name; only when `pass`
  std::string reason;
  bool operator==(const IprevResult&) const = default;
};

// --- DNS lists -----------------------------------------------------------------------------------

// The content of a list: addresses of bad clients, bad domains, addresses of good clients.
enum class DnsListKind : std::uint8_t { dnsbl, rhsbl, dnswl };
constexpr auto words_of(DnsListKind) {
  return words<DnsListKind>({{DnsListKind::dnsbl, "dnsbl"},
                             {DnsListKind::rhsbl, "rhsbl"},
                             {DnsListKind::dnswl, "dnswl"}});
}
using DnsKindSet = SetOf<DnsListKind>;

// Whether a list of the kind holds domains; otherwise it holds addresses.
constexpr bool holds_domains(DnsListKind kind) {
  switch (kind) {
    case DnsListKind::rhsbl:
      return true;
    case DnsListKind::dnsbl:
    case DnsListKind::dnswl:
      return false;
  }
  return false;
}
// Whether a hit speaks for the message (an allowing list); otherwise against it.
constexpr bool vouches(DnsListKind kind) {
  switch (kind) {
    case DnsListKind::dnswl:
      return true;
    case DnsListKind::dnsbl:
    case DnsListKind::rhsbl:
      return false;
  }
  return false;
}
// The kinds whose hits speak against a message: a dnswl hit or an entry of the allowlist may
// override them.
constexpr DnsKindSet accusing_kinds() {
  DnsKindSet kinds;
  for (const DnsListKind kind : all_values<DnsListKind>()) {
    if (!vouches(kind)) kinds.add(kind);
  }
  return kinds;
}

// The part of a message that is looked up in a list.
enum class DnsListOn : std::uint8_t { client, helo, sender, client_name, from, dkim };
constexpr auto words_of(DnsListOn) {
  return words<DnsListOn>({{DnsListOn::client, "client"},
                           {DnsListOn::helo, "helo"},
                           {DnsListOn::sender, "sender"},
                           {DnsListOn::client_name, "client_name"},
                           {DnsListOn::from, "from"},
                           {DnsListOn::dkim, "dkim"}});
}

// `temperror`: no answer; counts as not listed. `set_aside`: the list is disabled, or this answer
// is not trusted; counts as not listed. `unanswered`: not known yet, at RCPT.
enum class DnsListCode : std::uint8_t { not_listed, listed, temperror, set_aside, unanswered };
constexpr auto words_of(DnsListCode) {
  return words<DnsListCode>({{DnsListCode::not_listed, "not-listed"},
                             {DnsListCode::listed, "listed"},
                             {DnsListCode::temperror, "temperror"},
                             {DnsListCode::set_aside, "set-aside"},
                             {DnsListCode::unanswered, "unanswered"}});
}

// The fault of a list, or of one of its answers.
enum class DnsListFault : std::uint8_t {
  none,
  error_code,        // 127.255.255.0/24: the operator says why it does not answer
  outside,           // an address outside 127.0.0.0/8: a parked domain, a resolver that rewrites
  no_answer,         // time-out
  refused,           // SERVFAIL, REFUSED, an answer that cannot be used
  lists_everything,  // RFC 5782 §5: lists 127.0.0.1, or INVALID
  lists_nothing,     // RFC 5782 §5: does not list 127.0.0.2, or TEST
  untested,          // no self-test has completed since the start
};
constexpr auto words_of(DnsListFault) {
  return words<DnsListFault>(
      {{DnsListFault::none, "none"},
       {DnsListFault::error_code, "answers with an error code"},
       {DnsListFault::outside, "answers with an address outside 127.0.0.0/8"},
       {DnsListFault::no_answer, "does not answer"},
       {DnsListFault::refused, "does not answer properly"},
       {DnsListFault::lists_everything, "lists what no list may hold"},
       {DnsListFault::lists_nothing, "does not list its test entry"},
       {DnsListFault::untested, "is not tested yet"}});
}

// One lookup in one list.
struct DnsListResult {
  std::string name;  // of the rule: the only name that is shown: a zone may hold a key
  DnsListKind kind = DnsListKind::dnsbl;
  DnsListOn on = DnsListOn::client;
  std::string value;  // what was looked up: the address, or the domain in A-labels
  DnsListCode code = DnsListCode::not_listed;
  // the answers that matched, "127.0.0.4,127.0.0.10"; for a fault, the answer
  std::string codes;
  std::string reason;  // listed: the list's TXT record, printable ASCII; else what went wrong
  DnsListFault fault = DnsListFault::none;

  bool operator==(const DnsListResult&) const = default;
};

}  // namespace sekisho::client
