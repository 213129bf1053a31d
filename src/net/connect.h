// net/connect.h: connects a socket on an event loop: from a given address, within a time.
// RFC 6724, 5014 (IPv6 source addresses).
// Errors: ConnectError. Thread: connect() and the rest on the loop's; `done` is called there, once,
// and never before connect() returns.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/socket.h>

#include "base/result.h"
#include "net/link.h"

namespace sekisho::net {

struct SocketName {
  sockaddr_storage address{};
  socklen_t size = 0;

  int family() const { return address.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// Of a connected socket, without the port; nullopt: it is not one of IP.
std::optional<SocketName> source_of(int fd);
// Whether this host still has the address. What is sent from one that is gone never arrives, and
// nothing says so.
bool is_here(const SocketName& source);
// What the system would send from; nothing is sent. Error: "Network is unreachable".
Expected<SocketName, std::string> source_towards(const SocketName& to);

// False: the path is too long for a Unix socket.
bool set_unix(SocketName& name, const std::string& path);

struct ConnectError {
  bool at_source = false;  // this host does not have the source address
  std::string what;        // "Connection refused"
};

struct Dial {
  SocketName to;
  std::optional<SocketName> from;  // port 0
  std::chrono::seconds within{30};
};

// One attempt under way.
class Connecting {
 public:
  virtual ~Connecting() = default;
  // Ends it now with an error.
  virtual void cancel() = 0;
};

using Connected = std::function<void(Expected<Link, ConnectError>)>;

// Keeps itself alive until `done` was called.
std::shared_ptr<Connecting> connect(Loop& loop, const Dial& dial, Connected done);

}  // namespace sekisho::net
