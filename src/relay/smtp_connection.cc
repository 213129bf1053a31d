#include "relay/smtp_connection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/poll_until.h"

namespace sekisho::relay {

namespace {

tl::unexpected<std::string> broken(std::string what) { return tl::unexpected<std::string>(what); }

std::string system_error(std::string_view doing, int error) {
  return std::string(doing) + ": " +
         std::strerror(error);  // NOLINT(concurrency-mt-unsafe): glibc's is safe
}

// The result of a connect() in progress: an errno, 0 on success.
int error_of_connect(int fd, SteadyTime deadline) {
  if (poll_until(fd, POLLOUT, deadline) != Polled::ready) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Expected<UniqueFd, std::string> connect_to(const addrinfo& address, SteadyTime deadline) {
  UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return broken(system_error("no socket", errno));
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
  const int error = errno == EINPROGRESS ? error_of_connect(fd.get(), deadline) : errno;
  if (error != 0) return broken(system_error("cannot connect", error));
  return fd;
}

}  // namespace

Expected<SmtpConnection, std::string> SmtpConnection::open(const std::string& host,
                                                           std::uint16_t port,
                                                           std::chrono::seconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  if (const int error = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found); error != 0)
    return broken(host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    auto fd = connect_to(*address, steady_now() + timeout);
    if (!fd) {
      why = fd.error();
      continue;
    }
    const int yes = 1;
    ::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return SmtpConnection(std::move(*fd));
  }
  return broken(host + " port " + service + ": " + why);
}

Expected<void, std::string> SmtpConnection::wait(short events, SteadyTime deadline) const {
  switch (poll_until(fd_.get(), events, deadline)) {
    case Polled::ready:
      return {};
    case Polled::late:
      return broken("no answer in time");
    case Polled::failed:
      break;
  }
  return broken(system_error("poll", errno));
}

Expected<void, std::string> SmtpConnection::send(std::string_view octets, SteadyTime deadline) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      octets.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (auto ready = wait(POLLOUT, deadline); !ready) return ready;
    } else if (errno != EINTR) {
      return broken(system_error("the connection broke", errno));
    }
  }
  return {};
}

Expected<void, std::string> SmtpConnection::receive(SteadyTime deadline) {
  for (;;) {
    std::array<char, 4096> chunk{};
    const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got > 0) {
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
      // A server that sends octets slowly must still meet the deadline.
      if (steady_now() > deadline) return broken("no answer in time");
      return {};
    }
    if (got == 0) return broken("the server closed the connection");
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (auto ready = wait(POLLIN, deadline); !ready) return ready;
    } else if (errno != EINTR) {
      return broken(system_error("the connection broke", errno));
    }
  }
}

Expected<Reply, std::string> SmtpConnection::read_reply(SteadyTime deadline) {
  ReplyReader reader(ReplyReader::Strictness::exact);
  for (;;) {
    std::string_view octets = buffer_;
    const auto state = reader.read(octets);
    buffer_.erase(0, buffer_.size() - octets.size());
    if (state == ReplyReader::State::complete) return reader.take();
    if (state == ReplyReader::State::broken) return broken(reader.why());
    if (auto received = receive(deadline); !received) return broken(received.error());
  }
}

}  // namespace sekisho::relay
