#include "net/server.h"

#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>
#include <asio/dispatch.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>

#include "base/memory.h"
#include "net/acceptor.h"
#include "net/loop.h"
#include "net/timer.h"

namespace sekisho::net {

namespace {

// How often drain() checks whether busy connections have finished.
constexpr std::chrono::milliseconds drain_step(20);

// The open connections of one loop. Thread: that loop's.
class Peers {
 public:
  void remember(const std::shared_ptr<Peer>& peer) {
    if (all_.size() == all_.capacity()) {
      std::erase_if(all_, [](const auto& each) { return each.expired(); });
    }
    all_.push_back(peer);
  }

  void for_each(const std::function<void(Peer&)>& visit) const {
    for (const auto& weak : all_) {
      if (const auto peer = weak.lock()) peer->guarded([&] { visit(*peer); });
    }
  }

 private:
  std::vector<std::weak_ptr<Peer>> all_;
};

// asio gets a duplicate descriptor, which it closes itself.
int another(int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 0); }

}  // namespace

struct Server::State {
  State(std::string name, Loops& shared_loops, Log& shared_log, std::size_t most)
      : front(std::move(name)),
        loops(shared_loops),
        log(shared_log),
        max_connections(most),
        peers(loops.count()) {}

  struct Listener {
    Listener(const std::string& front, Listening listening, const Socket& socket, Loop& loop,
             Log& log)
        : readable(loop.context(), another(listening.fd.get())),
          pause(loop),
          unix_path(std::move(listening.unix_path)),
          make(socket.make),
          acceptor(std::make_unique<Acceptor>(std::move(listening.fd), front, log)) {}

    asio::posix::stream_descriptor readable;
    Timer pause;
    std::string unix_path;
    std::function<std::shared_ptr<Peer>(Link)> make;
    std::unique_ptr<Acceptor> acceptor;  // nullptr: it listens no more
  };

  const std::string front;
  Loops& loops;
  Log& log;
  const std::size_t max_connections;
  const Seat::Count connections = std::make_shared<std::atomic<std::size_t>>(0);
  std::vector<Peers> peers;  // by loop
  std::vector<std::unique_ptr<Listener>> listeners;
  bool running = false;

  void wait_for_connections(Listener& listener);
  void accept_all(Listener& listener);
  void pause(Listener& listener);
  void take(UniqueFd fd, const Listener& from);
  void turned_away(const std::exception& error) noexcept;
  void stop_listening();
  std::size_t drain_peers();
};

// Accepting breaks off when there is no memory, and goes on when there is some again.
void Server::State::wait_for_connections(Listener& listener) {
  if (!listener.acceptor) return;
  listener.readable.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this, &listener](asio::error_code error) {
                                 if (error || contained([&] { accept_all(listener); })) return;
                                 until_memory([&] { wait_for_connections(listener); });
                               });
}

void Server::State::accept_all(Listener& listener) {
  while (listener.acceptor) {  // it may have become ready just before we stopped
    auto accepted = listener.acceptor->accept();
    if (accepted.pause) return pause(listener);
    if (!accepted.fd) return wait_for_connections(listener);
    try {
      take(std::move(accepted.fd), listener);
    } catch (const std::exception& error) {
      turned_away(error);
    }
  }
}

void Server::State::turned_away(const std::exception& error) noexcept {
  contained([&] {
    log.write_limited(LogLevel::error, front + " accept",
                      front + ": a connection was turned away: " + error.what());
  });
}

void Server::State::pause(Listener& listener) {
  listener.pause.set(steady_now() + accept_pause,
                     [this, &listener] { until_memory([&] { wait_for_connections(listener); }); });
}

void Server::State::take(UniqueFd fd, const Listener& from) {
  if (*connections >= max_connections) {
    log.write_limited(LogLevel::warning, front + " connections",
                      front + ": more than " + std::to_string(max_connections) +
                          " connections; some are turned away");
    return;
  }
  Link link = loops.link(std::move(fd), connections);
  Loop& loop = link.seat.loop();
  auto peer = from.make(std::move(link));
  if (!peer) return;
  // The peer belongs to the loop from here on, and must be destroyed there.
  asio::dispatch(loop.context(), [&mine = peers[loop.number()], peer = std::move(peer)] {
    peer->guarded([&] {
      mine.remember(peer);
      peer->start();
    });
  });
}

void Server::State::stop_listening() {
  for (const auto& listener : listeners) {
    asio::error_code ignored;
    listener->readable.close(ignored);
    listener->pause.cancel();
    listener->acceptor.reset();
    auto& path = listener->unix_path;
    if (!path.empty()) ::unlink(path.c_str());
    path.clear();
  }
}

// Drains all peers; returns how many are busy.
std::size_t Server::State::drain_peers() {
  return loops.sum([this](Loop& loop) {
    std::size_t busy = 0;
    peers[loop.number()].for_each([&](Peer& peer) {
      peer.drain();
      if (peer.busy()) ++busy;
    });
    return busy;
  });
}

Server::Server(std::string front, Loops& loops, Log& log, std::size_t max_connections)
    : state_(std::make_unique<State>(std::move(front), loops, log, max_connections)) {}

Server::~Server() {
  drain(std::chrono::milliseconds(0));
  state_->stop_listening();
}

Expected<void, std::string> Server::open(const std::vector<Socket>& sockets) {
  for (const auto& socket : sockets) {
    auto listening = listen_on(socket.where);
    if (!listening) {
      return tl::unexpected<std::string>(state_->front + " socket " + socket.where.socket + ": " +
                                         listening.error());
    }
    state_->listeners.push_back(std::make_unique<State::Listener>(
        state_->front, std::move(*listening), socket, state_->loops.first(), state_->log));
  }
  return {};
}

void Server::run() {
  state_->running = true;
  asio::post(state_->loops.first().context(), [state = state_.get()] {
    for (const auto& listener : state->listeners) {
      until_memory([&] { state->wait_for_connections(*listener); });
    }
  });
}

// Callbacks of cancelled operations run before the next task of their loop, so that afterwards
// nothing there refers to this server.
std::size_t Server::drain(std::chrono::milliseconds within) {
  if (!std::exchange(state_->running, false)) return 0;
  state_->loops.sum([this](Loop& loop) -> std::size_t {
    if (&loop == &state_->loops.first()) state_->stop_listening();
    return 0;
  });
  const auto deadline = steady_now() + within;
  std::size_t busy = 0;
  while ((busy = state_->drain_peers()) > 0) {
    std::this_thread::sleep_for(drain_step);
    if (steady_now() >= deadline) break;
  }
  state_->loops.sum([this](Loop& loop) -> std::size_t {
    state_->peers[loop.number()].for_each([](Peer& peer) { peer.close(); });
    return 0;
  });
  return busy;
}

}  // namespace sekisho::net
