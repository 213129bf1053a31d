// dns/server_address.h: where a name server listens.
// Errors: ParseError. Thread: immutable value.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace sekisho::dns {

class ServerAddress {
 public:
  // "127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:53", "fe80::1%eth0"; port 53 when none is given.
  static Expected<ServerAddress> parse(std::string_view text);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  // "127.0.0.1:53", "[::1]:53"
  const std::string& text() const { return text_; }
  bool operator==(const ServerAddress& other) const { return text_ == other.text_; }

 private:
  ServerAddress() = default;
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
  std::string text_;
};

}  // namespace sekisho::dns
