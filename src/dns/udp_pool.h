// dns/udp_pool.h: the sockets from which questions to one server are sent. A forged answer must hit
// one of several random ports as well as an id (RFC 5452 §9.2), so each socket is used for a while
// and then replaced by one on another port.
// Thread: send() any; the rest one owner.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/unique_handle.h"
#include "dns/random.h"
#include "dns/server_address.h"

namespace sekisho::dns {

// A connected socket: the kernel drops packets from elsewhere. It is closed with its last owner, so
// that a thread that sends outside the resolver's lock never uses a descriptor that was given to
// somebody else.
class UdpSocket {
 public:
  // nullptr if the system gives no socket or there is no route.
  static std::shared_ptr<UdpSocket> open(const ServerAddress& to, std::uint64_t token);

  UdpSocket(UniqueFd fd, std::uint64_t token) : fd_(std::move(fd)), token_(token) {}

  int fd() const { return fd_.get(); }
  std::uint64_t token() const { return token_; }
  void send(std::string_view packet) const;

  // An id that no question in flight here has, for the question `query`.
  std::uint16_t expect(std::uint64_t query, Random& random);
  std::optional<std::uint64_t> expected(std::uint16_t id) const;
  void forget(std::uint16_t id);
  std::vector<std::uint64_t> waiting() const;

  std::size_t used() const { return used_; }
  bool idle() const { return expecting_.empty(); }
  bool retired() const { return retired_; }
  void retire() { retired_ = true; }

 private:
  struct Expected {
    std::uint16_t id;
    std::uint64_t query;
  };
  UniqueFd fd_;
  std::uint64_t token_;
  std::size_t used_ = 0;
  bool retired_ = false;  // waits for its last answers
  std::vector<Expected> expecting_;
};

using UdpSocketPtr = std::shared_ptr<UdpSocket>;

// All sockets, watched by one epoll descriptor under their tokens.
class UdpPool {
 public:
  // Questions that are sent from one socket before it is replaced: opening one costs about what two
  // questions cost.
  static constexpr std::size_t uses = 64;
  // Sockets to one server in use at a time: three bits that an attacker has to guess besides the
  // port's fifteen.
  static constexpr std::size_t width = 8;
  // The most descriptors that we use; when all wait for a dead server, the newest ones stay in use.
  static constexpr std::size_t max_sockets = 256;
  using Slots = std::array<UdpSocketPtr, width>;

  explicit UdpPool(int epoll) : epoll_(epoll) {}

  // A socket for the next question; nullptr if the system gives none.
  UdpSocketPtr pick(Slots& slots, const ServerAddress& to, Random& random);
  UdpSocketPtr find(std::uint64_t token) const;
  // The question with that id is no longer in flight on the socket.
  void release(const UdpSocketPtr& socket, std::uint16_t id);
  // The server of these slots is no longer asked.
  void retire(Slots& slots);

 private:
  void retire(UdpSocketPtr& slot);
  UdpSocketPtr open(const ServerAddress& to);

  int epoll_;
  std::uint64_t last_token_ = 0;
  std::unordered_map<std::uint64_t, UdpSocketPtr> sockets_;
};

}  // namespace sekisho::dns
