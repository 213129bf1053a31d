// mail/ip_address.h: IPv4 and IPv6 addresses and prefixes. RFC 4291 §2.2, RFC 5952, RFC 4632. An
// IPv4-mapped IPv6 address (::ffff:0:0/96) is the IPv4 address it carries wherever a host was met
// or an admin wrote it: a socket for both families shows IPv4 clients so (RFC 7208 §5). What a
// domain publishes is not translated: an AAAA record or an `ip6:` that holds such an address speaks
// of IPv6 (RFC 7208 §5.3, §5.6), where no client ever has it.
// Errors: ParseError; never throws. Thread: immutable values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/words.h"

namespace sekisho::mail {

class IpAddress {
 public:
  enum class Family : std::uint8_t { v4, v6 };

  // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" (becomes v4). No brackets, no zone, no prefix.
  static Expected<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::array<std::uint8_t, 4> octets);
  static IpAddress v6(const std::array<std::uint8_t, 16>& octets);
  // As it was published: an IPv4-mapped address stays IPv6. text() writes it so that only this
  // reads it back.
  static Expected<IpAddress> parse_published(std::string_view text);
  static IpAddress published_v6(const std::array<std::uint8_t, 16>& octets);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  // The first 4 (v4) or 16 octets count.
  const std::array<std::uint8_t, 16>& octets() const { return octets_; }
  int bits() const { return is_v4() ? 32 : 128; }
  std::string text() const;
  // The name under in-addr.arpa or ip6.arpa, without a final dot (RFC 1035 §3.5, RFC 3596 §2.5).
  std::string reverse_name() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  IpAddress() = default;
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> octets_{};
};

constexpr auto words_of(IpAddress::Family) {
  return words<IpAddress::Family>({{IpAddress::Family::v4, "v4"}, {IpAddress::Family::v6, "v6"}});
}

class IpPrefix {
 public:
  // "192.0.2.0/24", "2001:db8::/32", or an address alone (its full length). Bits beyond the length
  // must be zero: 192.0.2.1/24 is an error that names 192.0.2.0/24.
  static Expected<IpPrefix> parse(std::string_view text);
  // The prefix of that length around an address; a longer length is cut to the family's.
  static IpPrefix around(const IpAddress& address, int length);

  const IpAddress& address() const { return address_; }
  int length() const { return length_; }
  bool contains(const IpAddress& address) const;
  std::string text() const;

  auto operator<=>(const IpPrefix&) const = default;

 private:
  IpPrefix(IpAddress address, int length) : address_(address), length_(length) {}
  IpAddress address_;
  int length_;
};

// 127.0.0.0/8, ::1.
bool is_loopback(const IpAddress& address);
// Addresses of a network of one's own, which say nothing outside of it: RFC 1918, RFC 6598
// (100.64.0.0/10), RFC 4193 (fc00::/7) and the link-local ones (169.254.0.0/16, fe80::/10).
// Loopback is not among them.
bool is_private(const IpAddress& address);

}  // namespace sekisho::mail
