#include "dns/resolver_loop.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/memory.h"

namespace sekisho::dns {

namespace {

using namespace std::chrono_literals;

// The source of an event: the eventfd, a TCP exchange, or else a socket of the pool.
constexpr std::uint64_t wake_token = 0;
constexpr std::uint64_t tcp_flag = std::uint64_t{1} << 63;
// A changed resolv.conf is noticed within this; one stat() costs a microsecond.
constexpr auto look_every = 2s;
// TCP exchanges that failed are noticed within this.
constexpr auto tcp_look = 100ms;
// The pause after a round that failed for want of memory.
constexpr auto look_again = 10ms;

int milliseconds_until(SteadyTime until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 10'000));
}

void watch(int epoll, int fd, std::uint32_t events, std::uint64_t token) {
  epoll_event interest{};
  interest.events = events;
  interest.data.u64 = token;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

}  // namespace

void send_datagrams(const Effects& effects) {
  for (const auto& datagram : effects.datagrams) datagram.socket->send(datagram.packet);
}

ResolverLoop::ResolverLoop(Guarded<InFlight>& state, int epoll,
                           std::optional<ResolvConf> resolv_conf)
    : state_(state),
      epoll_(epoll),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      resolv_conf_(std::move(resolv_conf)),
      octets_(std::make_unique<std::array<std::array<std::uint8_t, datagram_size>, batch>>()) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  watch(epoll_, wake_.get(), EPOLLIN, wake_token);
  // The servers must be known before the first question.
  watch_resolv_conf(steady_now());
}

void ResolverLoop::wake() const {
  const std::uint64_t one = 1;
  // It fails only when the counter is full, and then the loop is awake.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void ResolverLoop::stop() {
  stopping_ = true;
  wake();
}

void ResolverLoop::run() {
  SteadyTime until = steady_now();
  while (!stopping_) {
    // Without memory a round is lost like a datagram: its questions are repeated, and each still
    // ends in time.
    if (!contained([&] { until = work(until); })) until = steady_now() + look_again;
    call_finished();
  }
  state_.with([](InFlight& state) { state.shut_down(); });
  call_finished();
}

// One round. Returns until when the next one may wait.
SteadyTime ResolverLoop::work(SteadyTime until) {
  wait(until);
  Effects effects;
  work_on_datagrams(effects);
  work_on_tcp(effects);
  const SteadyTime now = steady_now();
  state_.with([&](InFlight& state) { state.tick(now, effects); });
  send_datagrams(effects);
  // A start that fails at once may start another one, at another server.
  while (!effects.tcp.empty()) {
    Effects next;
    for (auto& start : effects.tcp) start_tcp(std::move(start), next);
    send_datagrams(next);
    effects = std::move(next);
  }
  watch_resolv_conf(now);
  call_finished();
  until = state_.with([](InFlight& state) { return state.sleep_until(steady_now()); });
  if (!tcp_.empty()) until = std::min(until, steady_now() + tcp_look);
  return until;
}

void ResolverLoop::wait(SteadyTime until) {
  datagrams_.clear();
  ready_tcp_.clear();
  const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()),
                                 milliseconds_until(until));
  std::vector<UdpSocketPtr> sockets;
  if (count > 0) {
    state_.with([&](const InFlight& state) {
      for (int n = 0; n < count; ++n) {
        const std::uint64_t token = events_[static_cast<std::size_t>(n)].data.u64;
        if (token == wake_token) {
          std::uint64_t drained = 0;
          [[maybe_unused]] const ssize_t size = ::read(wake_.get(), &drained, sizeof drained);
        } else if ((token & tcp_flag) != 0) {
          ready_tcp_.push_back(token);
        } else if (auto socket = state.socket(token)) {
          sockets.push_back(std::move(socket));
        }
      }
    });
  }
  for (const auto& socket : sockets) {
    // What does not fit is still there in the next round.
    if (datagrams_.size() < batch) read_socket(socket);
  }
}

void ResolverLoop::read_socket(const UdpSocketPtr& socket) {
  const std::size_t first = datagrams_.size();
  std::array<mmsghdr, batch> messages{};
  std::array<iovec, batch> pieces{};
  const std::size_t room = batch - first;
  for (std::size_t n = 0; n < room; ++n) {
    pieces[n] = {(*octets_)[first + n].data(), datagram_size};
    messages[n].msg_hdr.msg_iov = &pieces[n];
    messages[n].msg_hdr.msg_iovlen = 1;
  }
  const int count =
      ::recvmmsg(socket->fd(), messages.data(), static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
  if (count < 0) {
    // An ICMP error (nobody listens there, no route) arrives as the error of a read.
    if (errno != EAGAIN && errno != EINTR) datagrams_.push_back({socket, 0, true});
    return;
  }
  for (int n = 0; n < count; ++n) {
    datagrams_.push_back({socket, messages[static_cast<std::size_t>(n)].msg_len, false});
  }
}

void ResolverLoop::work_on_datagrams(Effects& effects) {
  if (datagrams_.empty()) return;
  const auto octets = [&](std::size_t n) {
    return std::span<const std::uint8_t>((*octets_)[n].data(), datagrams_[n].size);
  };
  std::vector<std::optional<InFlight::Match>> matches(datagrams_.size());
  state_.with([&](InFlight& state) {
    for (std::size_t n = 0; n < datagrams_.size(); ++n) {
      if (datagrams_[n].size < 2) continue;
      const auto id = static_cast<std::uint16_t>(octets(n)[0] << 8 | octets(n)[1]);
      matches[n] = state.match(datagrams_[n].socket, id);
    }
  });
  // Not under the lock: reading a packet costs more than all the rest.
  std::vector<Reply> replies(datagrams_.size());
  for (std::size_t n = 0; n < datagrams_.size(); ++n) {
    if (matches[n]) replies[n] = parse_reply(octets(n), matches[n]->sent);
  }
  const SteadyTime now = steady_now();
  state_.with([&](InFlight& state) {
    for (std::size_t n = 0; n < datagrams_.size(); ++n) {
      if (datagrams_[n].refused) {
        state.unreachable(datagrams_[n].socket, now, effects);
      } else if (matches[n]) {
        state.received(*matches[n], std::move(replies[n]), now, effects);
      } else {
        state.count_ignored();
      }
    }
  });
}

void ResolverLoop::start_tcp(Effects::TcpStart start, Effects& effects) {
  const std::uint64_t token = tcp_flag | ++last_tcp_;
  if (tcp_.size() < max_tcp) {
    TcpExchange exchange(start.server->address, start.packet);
    const int fd = exchange.fd();
    tcp_.try_emplace(
        token,
        Tcp{std::move(exchange), {start.query, start.server, std::move(start.sent)}, start.until});
    if (fd < 0) {
      end_tcp(token, false, effects);
    } else {
      watch(epoll_, fd, EPOLLIN | EPOLLOUT | EPOLLET, token);
    }
    return;
  }
  state_.with(
      [&](InFlight& state) { state.tcp_failed(start.query, start.server, steady_now(), effects); });
}

void ResolverLoop::work_on_tcp(Effects& effects) {
  for (const std::uint64_t token : ready_tcp_) {
    const auto found = tcp_.find(token);
    if (found == tcp_.end()) continue;
    const auto progress = found->second.exchange.advance();
    if (progress != TcpExchange::Progress::pending) {
      end_tcp(token, progress == TcpExchange::Progress::complete, effects);
    }
  }
  const SteadyTime now = steady_now();
  std::vector<std::uint64_t> expired;
  for (const auto& [token, tcp] : tcp_) {
    if (tcp.until <= now) expired.push_back(token);
  }
  for (const std::uint64_t token : expired) end_tcp(token, false, effects);
}

void ResolverLoop::end_tcp(std::uint64_t token, bool complete, Effects& effects) {
  const auto node = tcp_.extract(token);
  const Tcp& tcp = node.mapped();
  Reply reply;
  if (complete) reply = parse_reply(tcp.exchange.reply(), tcp.match.sent);
  const SteadyTime now = steady_now();
  state_.with([&](InFlight& state) {
    if (reply.kind == Reply::Kind::not_ours) {
      state.tcp_failed(tcp.match.query, tcp.match.server, now, effects);
    } else {
      state.received(tcp.match, std::move(reply), now, effects);
    }
  });
}

void ResolverLoop::watch_resolv_conf(SteadyTime now) {
  if (!resolv_conf_ || now < next_look_) return;
  next_look_ = now + look_every;
  if (auto servers = resolv_conf_->changed()) {
    state_.with([&](InFlight& state) { state.set_servers(std::move(*servers)); });
  }
  if (auto problem = resolv_conf_->fault(); problem != problem_) {
    problem_ = problem;
    state_.with([&](InFlight& state) { state.set_problem(std::move(problem)); });
  }
}

// A callback must not throw; if one does, the others are still called.
void ResolverLoop::call_finished() noexcept {
  while (auto finished = state_.with([](InFlight& state) { return state.take_finished(); })) {
    contained([&] { finished->first(std::move(finished->second)); });
  }
}

}  // namespace sekisho::dns
