#include "mail/ip_address.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arpa/inet.h>

namespace sekisho::mail {

namespace {

constexpr int mapped_prefix_bits = 96;

// RFC 4291 §2.5.5.2: ::ffff:0:0/96.
bool is_mapped(const std::array<std::uint8_t, 16>& octets) {
  return std::all_of(octets.begin(), octets.begin() + 10, [](auto octet) { return octet == 0; }) &&
         octets[10] == 0xff && octets[11] == 0xff;
}

std::array<std::uint8_t, 4> last_four(const std::array<std::uint8_t, 16>& octets) {
  return {octets[12], octets[13], octets[14], octets[15]};
}

// The octets with all bits beyond `length` zero.
std::array<std::uint8_t, 16> masked(std::array<std::uint8_t, 16> octets, int length) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(length - 8 * i, 0, 8);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> static_cast<unsigned>(kept));
    auto& octet = octets[static_cast<std::size_t>(i)];
    octet = static_cast<std::uint8_t>(octet & mask);
  }
  return octets;
}

IpAddress from_octets(IpAddress::Family family, const std::array<std::uint8_t, 16>& octets) {
  if (family == IpAddress::Family::v6) return IpAddress::published_v6(octets);
  return IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
}

// A prefix length in decimal without sign, blank or leading zero.
std::optional<int> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<int>(value);
}

}  // namespace

Expected<IpAddress> IpAddress::parse(std::string_view text) {
  auto address = parse_published(text);
  // Not with `?:`, which would copy the result: to copy an error allocates, and tl::expected does
  // so in a place where nothing may be thrown.
  if (address && !address->is_v4()) return v6(address->octets_);
  return address;
}

Expected<IpAddress> IpAddress::parse_published(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
    return parse_error("not an IP address");
  }
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<std::uint8_t, 4> four{};
  if (::inet_pton(AF_INET, terminated.data(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (::inet_pton(AF_INET6, terminated.data(), sixteen.data()) == 1) {
    return published_v6(sixteen);
  }
  return parse_error("not an IP address");
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) {
  IpAddress address;
  std::copy(octets.begin(), octets.end(), address.octets_.begin());
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& octets) {
  return is_mapped(octets) ? v4(last_four(octets)) : published_v6(octets);
}

IpAddress IpAddress::published_v6(const std::array<std::uint8_t, 16>& octets) {
  IpAddress address;
  address.family_ = Family::v6;
  address.octets_ = octets;
  return address;
}

// An address is written many times for each message, and inet_ntop() does it by printf.
std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!is_v4()) return ::inet_ntop(AF_INET6, octets_.data(), text.data(), text.size());
  char* end = text.data();
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), octets_[i]).ptr;
  }
  return {text.data(), end};
}

std::string IpAddress::reverse_name() const {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string name;
  if (is_v4()) {
    for (std::size_t i = 4; i-- > 0;) name += std::to_string(octets_[i]) + '.';
    return name + "in-addr.arpa";
  }
  for (std::size_t i = 16; i-- > 0;) {
    name += {digits[octets_[i] & 0xfU], '.', digits[octets_[i] >> 4U], '.'};
  }
  return name + "ip6.arpa";
}

Expected<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return tl::unexpected<ParseError>(address.error());
  if (slash == std::string_view::npos) return IpPrefix(*address, address->bits());
  const auto written = parse_length(text.substr(slash + 1));
  if (!written) return parse_error("not a prefix length", slash + 1);
  // ::ffff:192.0.2.0/120 is 192.0.2.0/24; a mapped address with less than /96 has no meaning.
  const bool mapped = address->is_v4() && text.find(':') != std::string_view::npos;
  const int length = mapped ? *written - mapped_prefix_bits : *written;
  if (length < 0 || length > address->bits()) {
    return parse_error("no such prefix length", slash + 1);
  }
  const IpPrefix prefix = around(*address, length);
  if (prefix.address() != *address) {
    return parse_error("bits beyond the prefix length; did you mean " + prefix.text(), slash + 1);
  }
  return prefix;
}

IpPrefix IpPrefix::around(const IpAddress& address, int length) {
  const int kept = std::clamp(length, 0, address.bits());
  return IpPrefix(from_octets(address.family(), masked(address.octets(), kept)), kept);
}

bool IpPrefix::contains(const IpAddress& address) const {
  return address.family() == address_.family() &&
         masked(address.octets(), length_) == address_.octets();
}

std::string IpPrefix::text() const { return address_.text() + '/' + std::to_string(length_); }

bool is_loopback(const IpAddress& address) {
  static const IpPrefix loopback[] = {IpPrefix::parse("127.0.0.0/8").value(),
                                      IpPrefix::parse("::1/128").value()};
  return std::any_of(std::begin(loopback), std::end(loopback),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

bool is_private(const IpAddress& address) {
  static const IpPrefix own[] = {
      IpPrefix::parse("10.0.0.0/8").value(),     IpPrefix::parse("172.16.0.0/12").value(),
      IpPrefix::parse("192.168.0.0/16").value(), IpPrefix::parse("100.64.0.0/10").value(),
      IpPrefix::parse("169.254.0.0/16").value(), IpPrefix::parse("fc00::/7").value(),
      IpPrefix::parse("fe80::/10").value(),
  };
  return std::any_of(std::begin(own), std::end(own),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace sekisho::mail
