#include "smtp/proxy.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "smtp/command.h"

namespace sekisho::smtp {

namespace {

using Read = ProxyHeader::Read;

constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view v1_signature = "PROXY ";

bool may_become(std::string_view octets, std::string_view signature) {
  const auto common = std::min(octets.size(), signature.size());
  return octets.substr(0, common) == signature.substr(0, common);
}

ProxyHeader invalid() { return {Read::invalid, 0, std::nullopt, 0}; }

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto blank = text.find(' ');
    out.push_back(text.substr(0, blank));
    if (blank == std::string_view::npos) return out;
    text.remove_prefix(blank + 1);
  }
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 25".
ProxyHeader read_v1_line(std::string_view line) {
  ProxyHeader out{Read::complete, line.size() + 2, std::nullopt, 0};
  const auto parts = words(line);
  if (parts.size() >= 2 && parts[1] == "UNKNOWN") return out;
  const bool v4 = parts.size() == 6 && parts[1] == "TCP4";
  const bool v6 = parts.size() == 6 && parts[1] == "TCP6";
  if (!v4 && !v6) return invalid();
  const auto from = mail::IpAddress::parse(parts[2]);
  const auto to = mail::IpAddress::parse(parts[3]);
  const auto port = read_port(parts[4]);
  if (!from || !to || !port || !read_port(parts[5]) || (v4 && !from->is_v4())) return invalid();
  out.client = *from;
  out.port = *port;
  return out;
}

ProxyHeader read_v1(std::string_view octets) {
  const auto end = octets.substr(0, most_proxy_v1_octets).find("\r\n");
  if (end != std::string_view::npos) return read_v1_line(octets.substr(0, end));
  return octets.size() >= most_proxy_v1_octets ? invalid() : ProxyHeader();
}

std::uint16_t number(std::string_view octets, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(octets[at]) << 8 |
                                    static_cast<unsigned char>(octets[at + 1]));
}

// The source of the address block of a TCP connection.
template <std::size_t Count>
std::array<std::uint8_t, Count> address_octets(std::string_view block) {
  std::array<std::uint8_t, Count> out{};
  std::transform(block.begin(), block.begin() + Count, out.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return out;
}

ProxyHeader read_v2(std::string_view octets) {
  constexpr std::size_t head = 16;
  if (octets.size() < head) return {};
  const auto command = static_cast<unsigned char>(octets[12]);
  const auto family = static_cast<unsigned char>(octets[13]);
  const std::size_t length = number(octets, 14);
  if (command >> 4 != 2 || (command & 0xf) > 1 || length > most_proxy_v2_octets) return invalid();
  if (octets.size() < head + length) return {};
  ProxyHeader out{Read::complete, head + length, std::nullopt, 0};
  if ((command & 0xf) == 0) return out;  // LOCAL
  const auto block = octets.substr(head, length);
  if (family == 0x11) {
    if (length < 12) return invalid();
    out.client = mail::IpAddress::v4(address_octets<4>(block));
    out.port = number(block, 8);
  } else if (family == 0x21) {
    if (length < 36) return invalid();
    out.client = mail::IpAddress::v6(address_octets<16>(block));
    out.port = number(block, 32);
  }
  return out;
}

std::optional<mail::IpAddress> read_xclient_address(std::string_view text) {
  if (ascii::istarts_with(text, "IPV6:")) text.remove_prefix(5);
  const auto address = mail::IpAddress::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}

bool unavailable(std::string_view value) {
  return ascii::iequals(value, "[UNAVAILABLE]") || ascii::iequals(value, "[TEMPUNAVAIL]");
}

bool take_attribute(std::string_view name, const std::string& value, XClient& out) {
  const bool none = unavailable(value);
  if (ascii::iequals(name, "NAME")) {
    out.name = none ? "" : value;
  } else if (ascii::iequals(name, "ADDR")) {
    out.address = read_xclient_address(value);
    return none || out.address.has_value();
  } else if (ascii::iequals(name, "PORT")) {
    const auto port = none ? std::optional<std::uint16_t>(0) : read_port(value);
    out.port = port.value_or(0);
    return port.has_value();
  } else if (ascii::iequals(name, "HELO")) {
    out.helo = none ? "" : value;
  } else {
    constexpr std::array others = {"PROTO", "LOGIN", "DESTADDR", "DESTPORT"};
    return std::any_of(others.begin(), others.end(),
                       [&](const char* other) { return ascii::iequals(name, other); });
  }
  return true;
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view octets) {
  if (may_become(octets, v2_signature)) {
    return octets.size() < v2_signature.size() ? ProxyHeader() : read_v2(octets);
  }
  if (may_become(octets, v1_signature)) return read_v1(octets);
  return invalid();
}

Expected<Proxies, std::string> Proxies::parse(const std::vector<std::string>& entries) {
  Proxies out;
  constexpr std::string_view mark = "xclient:";
  for (const auto& entry : entries) {
    std::string_view text = entry;
    const bool xclient = text.starts_with(mark);
    if (xclient) text.remove_prefix(mark.size());
    const auto prefix = mail::IpPrefix::parse(text);
    if (!prefix) return tl::unexpected<std::string>("'" + entry + "': " + prefix.error().what);
    out.entries_.push_back({*prefix, xclient ? Kind::xclient : Kind::proxy});
  }
  return out;
}

Proxies::Kind Proxies::kind_of(const mail::IpAddress& peer) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.prefix.contains(peer); });
  return found == entries_.end() ? Kind::none : found->kind;
}

std::optional<XClient> read_xclient(std::string_view argument) {
  XClient out;
  if (argument.empty()) return std::nullopt;
  for (const auto word : words(argument)) {
    if (word.empty()) continue;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto value = decode_xtext(word.substr(equals + 1));
    if (!value || !take_attribute(word.substr(0, equals), *value, out)) return std::nullopt;
  }
  return out;
}

}  // namespace sekisho::smtp
