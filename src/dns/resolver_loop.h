// dns/resolver_loop.h: the one thread of the stub resolver: waits for packets and timers, and calls
// the callbacks.
// Thread: run() is the loop's own; wake() and stop() any.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/guarded.h"
#include "base/unique_handle.h"
#include "dns/in_flight.h"
#include "dns/resolv_conf.h"
#include "dns/tcp_exchange.h"

namespace sekisho::dns {

class ResolverLoop {
 public:
  // TCP exchanges at a time: descriptors are scarce, and answers that need TCP are rare.
  static constexpr std::size_t max_tcp = 64;

  // `epoll` watches the sockets of `state`. With `resolv_conf`, its servers are used.
  ResolverLoop(Guarded<InFlight>& state, int epoll, std::optional<ResolvConf> resolv_conf);

  void run();
  void wake() const;
  void stop();

 private:
  struct Tcp {
    TcpExchange exchange;
    InFlight::Match match;
    SteadyTime until;
  };
  struct Datagram {
    UdpSocketPtr socket;
    std::size_t size;  // 0 also for an error of the socket
    bool refused;
  };
  static constexpr std::size_t batch = 32;  // datagrams read before they are worked on
  static constexpr std::size_t datagram_size =
      2048;  // more than the size that we announce (udp_payload)

  SteadyTime work(SteadyTime until);
  void wait(SteadyTime until);
  void read_socket(const UdpSocketPtr& socket);
  void work_on_datagrams(Effects& effects);
  void work_on_tcp(Effects& effects);
  void start_tcp(Effects::TcpStart start, Effects& effects);
  void end_tcp(std::uint64_t token, bool complete, Effects& effects);
  void watch_resolv_conf(SteadyTime now);
  void call_finished() noexcept;

  Guarded<InFlight>& state_;
  int epoll_;
  UniqueFd wake_;
  std::optional<ResolvConf> resolv_conf_;
  std::string problem_;  // the fault of resolv_conf_ that was last reported
  SteadyTime next_look_{};
  std::atomic<bool> stopping_{false};

  std::array<epoll_event, 64> events_{};
  std::vector<std::uint64_t> ready_tcp_;
  std::vector<Datagram> datagrams_;
  std::unique_ptr<std::array<std::array<std::uint8_t, datagram_size>, batch>> octets_;
  std::unordered_map<std::uint64_t, Tcp> tcp_;
  std::uint64_t last_tcp_ = 0;
};

// Sends the datagrams that a call under the lock decided to send.
void send_datagrams(const Effects& effects);

}  // namespace sekisho::dns
