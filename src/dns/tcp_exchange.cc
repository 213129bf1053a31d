#include "dns/tcp_exchange.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace sekisho::dns {

namespace {

constexpr std::size_t length_size = 2;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOTCONN; }

std::size_t read_length(std::string_view octets) {
  return static_cast<std::size_t>(static_cast<unsigned char>(octets[0])) << 8 |
         static_cast<unsigned char>(octets[1]);
}

}  // namespace

TcpExchange::TcpExchange(const ServerAddress& server, std::string_view query)
    : fd_(::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  to_send_ += static_cast<char>(query.size() >> 8 & 0xff);
  to_send_ += static_cast<char>(query.size() & 0xff);
  to_send_ += query;
  if (fd_ && ::connect(fd_.get(), server.get(), server.size()) != 0 && errno != EINPROGRESS)
    fd_.reset();
}

TcpExchange::Progress TcpExchange::advance() {
  while (sent_ < to_send_.size()) {
    const ssize_t n =
        ::send(fd_.get(), to_send_.data() + sent_, to_send_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return would_block() ? Progress::pending : Progress::failed;
    sent_ += static_cast<std::size_t>(n);
  }
  return receive();
}

TcpExchange::Progress TcpExchange::receive() {
  std::array<char, 4096> block{};
  for (;;) {
    if (received_.size() >= length_size &&
        received_.size() >= length_size + read_length(received_)) {
      return Progress::complete;
    }
    const ssize_t n = ::recv(fd_.get(), block.data(), block.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return would_block() ? Progress::pending : Progress::failed;
    if (n == 0) return Progress::failed;
    received_.append(block.data(), static_cast<std::size_t>(n));
  }
}

std::span<const std::uint8_t> TcpExchange::reply() const {
  return {reinterpret_cast<const std::uint8_t*>(received_.data()) + length_size,
          read_length(received_)};
}

}  // namespace sekisho::dns
