// milter/listen.h: opens the socket that a [[milter]] names.
// Unix sockets as base/unix_socket.h opens them; TCP on one address.
// Errors: a sentence for the admin. Thread: any; changes the umask for a moment, so before other
// threads make files.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_handle.h"
#include "milter/options.h"

namespace sekisho::milter {

struct Listening {
  UniqueFd fd;
  std::string unix_path;  // to be removed at the end; empty for inet
};

Expected<Listening, std::string> listen_on(const Options& options);

// A socket's text taken apart: what is wrong with it is a configuration error.
struct SocketAddress {
  std::string unix_path;  // or:
  std::string host;
  std::uint16_t port = 0;
};
Expected<SocketAddress, std::string> parse_socket(const std::string& text);

}  // namespace sekisho::milter
