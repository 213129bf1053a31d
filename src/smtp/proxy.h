// smtp/proxy.h: how a proxy in front of us says who its client is: the PROXY protocol, versions 1
// and 2 (haproxy.org/download/2.6/doc/proxy-protocol.txt), and the arguments of XCLIENT
// (postfix.org/XCLIENT_README.html). Only peers that the listener lists may say so.
// Errors: Read::invalid; the connection is then closed. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/ip_address.h"

namespace sekisho::smtp {

// Version 1: its line with CRLF. Version 2: what a header may add as type-length-values; a proxy
// adds the names of a certificate and of the server that was meant, which stay far below.
inline constexpr std::size_t most_proxy_v1_octets = 107;
inline constexpr std::size_t most_proxy_v2_octets = 2048;

struct ProxyHeader {
  enum class Read { incomplete, invalid, complete };
  Read read = Read::incomplete;
  std::size_t octets = 0;  // complete: of the header
  // None: the proxy speaks for itself (LOCAL, UNKNOWN), to see whether we live.
  std::optional<mail::IpAddress> client;
  std::uint16_t port = 0;
};
ProxyHeader read_proxy_header(std::string_view octets);

// The peers of a listener that speak for others.
class Proxies {
 public:
  enum class Kind { none, proxy, xclient };
  Proxies() = default;
  // "192.0.2.1", "192.0.2.0/24", "xclient:192.0.2.1". The error names the entry.
  static Expected<Proxies, std::string> parse(const std::vector<std::string>& entries);
  Kind kind_of(const mail::IpAddress& peer) const;
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    mail::IpPrefix prefix;
    Kind kind;
  };
  std::vector<Entry> entries_;
};

// What XCLIENT says; what is not given stays as it is, and LOGIN is ignored.
struct XClient {
  std::optional<std::string> name;  // "": none is known
  std::optional<mail::IpAddress> address;
  std::uint16_t port = 0;
  std::optional<std::string> helo;
};
// nullopt: malformed.
std::optional<XClient> read_xclient(std::string_view argument);

}  // namespace sekisho::smtp
