#include "dns/udp_pool.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace sekisho::dns {

UdpSocketPtr UdpSocket::open(const ServerAddress& to, std::uint64_t token) {
  UniqueFd fd(::socket(to.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // connect() binds to a random port of the system's range, and lets the kernel report ICMP errors.
  if (!fd || ::connect(fd.get(), to.get(), to.size()) != 0) return nullptr;
  return std::make_shared<UdpSocket>(std::move(fd), token);
}

void UdpSocket::send(std::string_view packet) const {
  // A failed send is like a lost datagram: the question is repeated. But the error may be of an
  // earlier datagram (ICMP), and then this one was not tried yet.
  const ssize_t sent = ::send(fd_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno == ECONNREFUSED)
    ::send(fd_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
}

std::uint16_t UdpSocket::expect(std::uint64_t query, Random& random) {
  std::uint16_t id = random.bits16();
  while (expected(id)) id = random.bits16();
  expecting_.push_back({id, query});
  ++used_;
  return id;
}

std::optional<std::uint64_t> UdpSocket::expected(std::uint16_t id) const {
  const auto found = std::find_if(expecting_.begin(), expecting_.end(),
                                  [id](const Expected& e) { return e.id == id; });
  if (found == expecting_.end()) return std::nullopt;
  return found->query;
}

void UdpSocket::forget(std::uint16_t id) {
  std::erase_if(expecting_, [id](const Expected& e) { return e.id == id; });
}

std::vector<std::uint64_t> UdpSocket::waiting() const {
  std::vector<std::uint64_t> queries;
  for (const Expected& e : expecting_) queries.push_back(e.query);
  return queries;
}

UdpSocketPtr UdpPool::open(const ServerAddress& to) {
  if (sockets_.size() >= max_sockets) return nullptr;
  auto socket = UdpSocket::open(to, ++last_token_);
  if (socket == nullptr) return nullptr;
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u64 = socket->token();
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket->fd(), &interest) != 0) return nullptr;
  sockets_.emplace(socket->token(), socket);
  return socket;
}

UdpSocketPtr UdpPool::pick(Slots& slots, const ServerAddress& to, Random& random) {
  UdpSocketPtr& slot = slots[random.below(width)];
  if (slot == nullptr || slot->used() >= uses) {
    if (auto fresh = open(to)) {
      retire(slot);
      slot = std::move(fresh);
    }
  }
  if (slot != nullptr) return slot;
  const auto other =
      std::find_if(slots.begin(), slots.end(), [](const UdpSocketPtr& s) { return s != nullptr; });
  return other == slots.end() ? nullptr : *other;
}

UdpSocketPtr UdpPool::find(std::uint64_t token) const {
  const auto found = sockets_.find(token);
  return found == sockets_.end() ? nullptr : found->second;
}

void UdpPool::release(const UdpSocketPtr& socket, std::uint16_t id) {
  socket->forget(id);
  if (socket->retired() && socket->idle()) sockets_.erase(socket->token());
}

void UdpPool::retire(UdpSocketPtr& slot) {
  if (slot == nullptr) return;
  slot->retire();
  if (slot->idle()) sockets_.erase(slot->token());
  slot.reset();
}

void UdpPool::retire(Slots& slots) {
  for (UdpSocketPtr& slot : slots) retire(slot);
}

}  // namespace sekisho::dns
