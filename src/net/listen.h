// net/listen.h: a listening address as in the configuration, and its socket. Unix sockets as
// base/unix_socket.h opens them; TCP on one address.
// Errors: a sentence for the admin.
// Thread: any; changes the umask for a moment, so before other threads make files.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_handle.h"

namespace sekisho::net {

struct Endpoint {
  std::string socket;      // "unix:PATH", "inet:PORT@ADDRESS" or "inet6:PORT@ADDRESS"
  unsigned mode = 0660;    // of a Unix socket
  std::string owner = {};  // empty: as created
  std::string group = {};
};

// The parsed text of `socket`: a fault in it is a configuration error.
struct SocketAddress {
  std::string unix_path;  // or:
  std::string host;
  std::uint16_t port = 0;
};
Expected<SocketAddress, std::string> parse_socket(const std::string& text);

struct Listening {
  UniqueFd fd;
  std::string unix_path;  // to be removed at the end; empty for inet
};
Expected<Listening, std::string> listen_on(const Endpoint& endpoint);

}  // namespace sekisho::net
