// dns/tcp_exchange.h: one question over TCP, without blocking: connect, send, receive (RFC 1035
// §4.2.2, RFC 7766).
// Errors: Progress::failed. Thread: one owner.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_handle.h"
#include "dns/server_address.h"

namespace sekisho::dns {

class TcpExchange {
 public:
  enum class Progress : std::uint8_t { pending, complete, failed };

  TcpExchange(const ServerAddress& server, std::string_view query);

  // -1 if the connection could not even be started.
  int fd() const { return fd_.get(); }
  // Reads or writes as far as possible without blocking. For an edge-triggered wait.
  Progress advance();
  // When complete: the packet, without the length before it.
  std::span<const std::uint8_t> reply() const;

 private:
  Progress receive();

  UniqueFd fd_;
  std::string to_send_;
  std::size_t sent_ = 0;
  std::string received_;
};

}  // namespace sekisho::dns
