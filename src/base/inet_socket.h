// base/inet_socket.h: an IP address with a port, as text and as a socket that listens on it.
//   address = IPv4 ":" port / "[" IPv6 "]" ":" port         "127.0.0.1:9464", "[::1]:9464"
// Errors: a sentence for the admin.
// Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_handle.h"

namespace sekisho {

struct InetAddress {
  std::string host;  // a numeric address, without brackets
  std::uint16_t port = 0;

  bool is_v6() const { return host.find(':') != std::string::npos; }
  // "127.0.0.1:9464", "[::1]:9464".
  std::string text() const;
};

// A port of 0 is allowed: the system then chooses one.
Expected<InetAddress, std::string> parse_inet_address(std::string_view text);

enum class V6 { only, and_v4 };  // the families served by [::]

// `backlog`: how many may wait to be accepted; the kernel lowers it to its own limit.
Expected<UniqueFd, std::string> listen_inet(const InetAddress& where, int backlog,
                                            V6 v6 = V6::only);
// The actual port of a listening socket.
std::uint16_t port_of(int fd);

}  // namespace sekisho
