#include "support/scripted_server.h"

#include <stdexcept>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace sekisho::test {

ScriptedServer::ScriptedServer(std::vector<std::string> says, bool repeated, int connections)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 1) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0)
    throw std::runtime_error("no port to listen on");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, says = std::move(says), repeated, connections] {
    for (int i = 0; i < connections; ++i) serve(says, repeated);
  });
}

ScriptedServer::~ScriptedServer() {
  // Ends the waiting for a client that nobody will send any more.
  ::shutdown(listener_.get(), SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
}

const std::string& ScriptedServer::heard() {
  if (thread_.joinable()) thread_.join();
  return heard_;
}

bool ScriptedServer::read_until(int fd, const std::string& end) {
  const std::size_t begin = heard_.size();
  while (heard_.size() < begin + end.size() || !heard_.ends_with(end)) {
    char octet = 0;
    if (::recv(fd, &octet, 1, 0) != 1) return false;
    heard_ += octet;
  }
  return true;
}

// A client that never comes must not keep the test.
UniqueFd ScriptedServer::accept() const {
  pollfd waiting{listener_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, 20'000) != 1) return {};
  return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

void ScriptedServer::serve(const std::vector<std::string>& says, bool repeated) {
  const UniqueFd fd = accept();
  if (!fd) return;
  bool message = false;
  for (std::size_t i = 0; i < says.size(); ++i) {
    const std::string& text = says[i];
    if (i > 0 && !read_until(fd.get(), message ? "\r\n.\r\n" : "\r\n")) return;
    if (text.empty()) return;
    message = text.starts_with("354");
    if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return;
  }
  while (repeated && ::send(fd.get(), says.back().data(), says.back().size(), MSG_NOSIGNAL) > 0) {
  }
  // What the client still says, QUIT for example.
  while (read_until(fd.get(), "\r\n")) {
  }
}

}  // namespace sekisho::test
