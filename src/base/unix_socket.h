// base/unix_socket.h: opens a Unix socket, to listen or to connect.
// A stale socket file is replaced; a live one is an error that says which process has it.
// Errors: a sentence for the admin. Thread: any; listening changes the umask for a moment, so
// before other threads make files.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_handle.h"

namespace sekisho {

struct UnixSocket {
  std::string path;
  unsigned mode = 0660;
  std::string owner;  // empty: as created
  std::string group;
};

Expected<UniqueFd, std::string> listen_unix(const UnixSocket& where);
Expected<UniqueFd, std::string> connect_unix(const std::string& path);

}  // namespace sekisho
