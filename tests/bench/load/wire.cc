#include "bench/load/wire.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sekisho::bench {
namespace {

// Postfix's streams flush at 4 KB; a body chunk is larger and leaves at once.
constexpr std::size_t kFlushAt = 4096;
constexpr std::size_t kMaxReply = 1U << 20;

[[noreturn]] void fail(const std::string& what) {
  throw WireError(what + ": " + std::strerror(errno));
}

int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw WireError("socket path too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    fail("connect " + path);
  }
  return fd;
}

int connect_inet(const std::string& port_at_host, int family) {
  const auto at = port_at_host.find('@');
  const std::string port = port_at_host.substr(0, at);
  const std::string host = at == std::string::npos ? "localhost" : port_at_host.substr(at + 1);
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
    throw WireError("no such address: " + port_at_host);
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int connected = fd < 0 ? -1 : connect(fd, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (connected != 0) {
    if (fd >= 0) close(fd);
    fail("connect " + port_at_host);
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

int connect_to(const std::string& endpoint) {
  const auto colon = endpoint.find(':');
  const std::string kind = endpoint.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : endpoint.substr(colon + 1);
  if (kind == "unix" || kind == "local") return connect_unix(rest);
  if (kind == "inet") return connect_inet(rest, AF_INET);
  if (kind == "inet6") return connect_inet(rest, AF_INET6);
  throw WireError("neither unix:PATH nor inet:PORT@HOST: " + endpoint);
}

}  // namespace

void put_u32(std::string& out, std::uint32_t value) {
  const std::uint32_t net = htonl(value);
  out.append(reinterpret_cast<const char*>(&net), sizeof(net));
}

std::uint32_t get_u32(std::string_view data, std::size_t offset) {
  if (data.size() < offset + 4) throw WireError("reply too short");
  std::uint32_t net = 0;
  std::memcpy(&net, data.data() + offset, sizeof(net));
  return ntohl(net);
}

Wire::Wire(const std::string& endpoint, std::chrono::seconds timeout)
    : fd_(connect_to(endpoint)),
      timeout_ms_(static_cast<int>(std::chrono::milliseconds(timeout).count())) {
  timeval limit{};
  limit.tv_sec = timeout.count();
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

Wire::~Wire() {
  if (fd_ >= 0) close(fd_);
}

void Wire::queue(char command, std::string_view data) {
  put_u32(out_, static_cast<std::uint32_t>(data.size() + 1));
  out_.push_back(command);
  out_.append(data);
  if (out_.size() >= kFlushAt) flush();
}

void Wire::flush() {
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t n = send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("send");
    sent += static_cast<std::size_t>(n);
  }
  out_.clear();
}

void Wire::fill(std::size_t wanted) {
  if (in_start_ > 0) {
    in_.erase(0, in_start_);
    in_start_ = 0;
  }
  while (in_.size() < wanted) {
    // As Postfix and sendmail wait, in poll(2) or select(2). Who sleeps in recv(2) on a Unix socket
    // is woken also whenever the filter takes what was sent to it, and the filter's process would
    // pay for that.
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, timeout_ms_) == 0) throw WireError("the filter does not answer");
    char chunk[8192];
    const ssize_t n = recv(fd_, chunk, sizeof(chunk), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("recv");
    if (n == 0) throw WireError("the filter closed the connection");
    in_.append(chunk, static_cast<std::size_t>(n));
  }
}

Packet Wire::read() {
  flush();
  if (in_.size() - in_start_ < 4) fill(4);
  const std::size_t length = get_u32(in_, in_start_);
  if (length == 0 || length > kMaxReply) throw WireError("reply with an impossible length");
  if (in_.size() - in_start_ < 4 + length) fill(4 + length);
  Packet packet{in_[in_start_ + 4], in_.substr(in_start_ + 5, length - 1)};
  in_start_ += 4 + length;
  if (in_start_ == in_.size()) {
    in_.clear();
    in_start_ = 0;
  }
  return packet;
}

}  // namespace sekisho::bench
