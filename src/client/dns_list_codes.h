// client/dns_list_codes.h: the zone of a list and the answers that count, as an admin writes them
// in Postfix's notation:
//   list    = zone [ "=" octet 3( "." octet ) ]
//   octet   = number / "[" part *( ";" part ) "]"        part = number [ ".." number ]
//   zen.spamhaus.org=127.0.0.[2..11]
// Without a pattern every code counts. Answers outside 127.0.0.0/8 (RFC 5782 §2.1) and the error
// codes in 127.255.255.0/24 never count, whatever the pattern says.
// Errors: ParseError, which never repeats the text: a zone may hold a secret key. Thread: immutable
// values.
#pragma once

#include <array>
#include <bitset>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mail/ip_address.h"

namespace sekisho::client {

// 127.255.255.0/24: the answers of list operators that are errors, not codes ("you ask through a
// public resolver").
bool is_error_code(const mail::IpAddress& answer);
// 127.0.0.0/8.
bool is_list_code(const mail::IpAddress& answer);

// The answers that count.
class ReturnCodes {
 public:
  // Every code of 127.0.0.0/8.
  ReturnCodes();
  static Expected<ReturnCodes> parse(std::string_view text);

  bool matches(const mail::IpAddress& answer) const;
  // Whether any answer can match.
  bool can_match() const;
  bool any() const;
  // "127.0.0.[2..11]", in the shortest form; empty if every code counts.
  std::string text() const;

  bool operator==(const ReturnCodes&) const = default;

 private:
  std::array<std::bitset<256>, 4> octets_;
};

struct DnsListZone {
  std::string zone;  // lower-case, without a final dot
  ReturnCodes codes;
  static Expected<DnsListZone> parse(std::string_view text);
};

// The name of an IPv6 address in a list takes 64 octets before the zone, of the 253 that a name may
// have.
inline constexpr std::size_t max_zone_octets = 189;

// Whether a label of the zone can only be an access key: long, random letters and digits.
bool holds_key(std::string_view zone);

// The test entry that the operator of a list of domains uses instead of TEST (RFC 5782 §5); empty
// if none is known.
std::string_view own_test_entry(std::string_view zone);
// The zone with "(secret)" for such labels.
std::string without_key(std::string_view zone);
// The same for any text: replaces everything that could be such a label.
std::string without_keys(std::string_view text);

}  // namespace sekisho::client
