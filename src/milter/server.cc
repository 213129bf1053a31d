#include "milter/server.h"

#include <algorithm>
#include <functional>
#include <future>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>

#include "base/memory.h"
#include "milter/connection.h"
#include "milter/listen.h"

namespace sekisho::milter {

namespace {

// Postfix runs 100 smtpd processes by default; this many are ten large MTAs. Beyond it a connection
// is closed at once, which the MTA takes as a temporary failure.
constexpr std::int64_t max_connections = 4096;

// When descriptors run out, how long until the next attempt.
constexpr std::chrono::milliseconds accept_pause(100);

int family_of(int socket) {
  int family = AF_UNIX;
  socklen_t size = sizeof family;
  ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return family;
}

using Acceptor = asio::posix::stream_descriptor;

struct Loop {
  explicit Loop(Log& log) : executor(std::make_shared<LoopExecutor>(context, log)) {}

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  std::shared_ptr<LoopExecutor> executor;
  std::vector<std::weak_ptr<Connection>> connections;  // this loop's thread only
  std::thread thread;

  void remember(const std::shared_ptr<Connection>& connection) {
    if (connections.size() == connections.capacity()) {
      std::erase_if(connections, [](const auto& c) { return c.expired(); });
    }
    connections.push_back(connection);
  }

  // On the loop's thread: `visit` for each connection that is open.
  void for_each(const std::function<void(Connection&)>& visit) {
    for (const auto& weak : connections) {
      if (const auto connection = weak.lock()) visit(*connection);
    }
  }
};

}  // namespace

struct Server::State {
  State(session::Engine& shared_engine, Log& shared_log, Loops wanted)
      : engine(shared_engine), log(shared_log), filled_at(wanted.filled_at) {
    for (std::size_t i = 0; i < wanted.count; ++i) loops.push_back(std::make_unique<Loop>(log));
    take_reserve();
  }

  struct Socket {
    Listening listening;
    policy::Role role;
    int family;
    std::unique_ptr<Acceptor> acceptor;
    std::unique_ptr<asio::steady_timer> pause;
    bool awaited = false;  // the loop calls when somebody connects, or when a pause is over
  };

  session::Engine& engine;
  Log& log;
  const std::size_t filled_at;
  std::vector<std::unique_ptr<Loop>> loops;  // the first one accepts
  std::vector<std::unique_ptr<Socket>> sockets;
  UniqueFd reserve;  // given up to turn somebody away when there are no descriptors left
  bool running = false;

  void wait_for_connections(Socket& socket);
  void wait_on_all();
  void accept_all(Socket& socket);
  void take_reserve();
  bool turn_one_away(Socket& socket);
  void pause(Socket& socket);
  void take(UniqueFd fd, const Socket& from);
  Loop& loop_for_one_more() const;
  void serve(Loop& loop);
  void stop_listening();
  std::size_t on_all_loops(const std::function<std::size_t(Loop&)>& visit);
};

void Server::State::wait_for_connections(Socket& socket) {
  if (!socket.listening.fd) return;
  socket.acceptor->async_wait(Acceptor::wait_read, [this, &socket](asio::error_code error) {
    socket.awaited = false;
    if (!error) accept_all(socket);
  });
  socket.awaited = true;
}

// Also those on which it could not be waited when there was no memory.
void Server::State::wait_on_all() {
  for (const auto& socket : sockets) {
    if (!socket->awaited) wait_for_connections(*socket);
  }
}

void Server::State::accept_all(Socket& socket) {
  if (!socket.listening.fd) return;  // it was ready just before we stopped
  for (;;) {
    UniqueFd fd(
        ::accept4(socket.listening.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      const int why = errno;
      if (why == EINTR || why == ECONNABORTED) continue;
      if (why == EAGAIN || why == EWOULDBLOCK) return wait_for_connections(socket);
      if ((why == EMFILE || why == ENFILE) && turn_one_away(socket)) continue;
      return pause(socket);
    }
    if (!reserve) take_reserve();
    try {
      take(std::move(fd), socket);
    } catch (const std::exception& error) {
      contained([&] {
        log.write_limited(LogLevel::error, "milter accept",
                          std::string("milter: a connection was turned away: ") + error.what());
      });
    }
  }
}

void Server::State::take_reserve() { reserve.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Without the reserve the MTA would wait for its time-out. False when there is none, or nobody to
// turn away.
bool Server::State::turn_one_away(Socket& socket) {
  log.write_limited(
      LogLevel::warning, "milter descriptors",
      "milter: no file descriptors left; connections are turned away (raise LimitNOFILE)");
  if (!reserve) return false;
  reserve.reset();
  UniqueFd refused(::accept4(socket.listening.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const bool found = static_cast<bool>(refused);
  refused.reset();  // its place is the reserve's
  take_reserve();
  return found;
}

// A listening socket stays readable when accept fails: without the pause this would spin.
void Server::State::pause(Socket& socket) {
  socket.pause->expires_after(accept_pause);
  socket.pause->async_wait([this, &socket](asio::error_code error) {
    socket.awaited = false;
    if (!error) wait_for_connections(socket);
  });
  socket.awaited = true;
}

void Server::State::take(UniqueFd fd, const Socket& from) {
  if (engine.counters().open_connections >= max_connections) {
    log.write_limited(LogLevel::warning, "milter connections",
                      "milter: more than 4096 connections; some are turned away");
    return;
  }
  const bool is_tcp = from.family != AF_UNIX;
  if (is_tcp) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Loop& loop = loop_for_one_more();
  Connection::Socket socket(loop.context);
  socket.assign(asio::generic::stream_protocol(from.family, 0), fd.get());
  fd.release();
  auto connection = std::make_shared<Connection>(std::move(socket), is_tcp, engine, from.role,
                                                 loop.executor, log);
  // The loop's own from here on: it must also end there.
  asio::dispatch(loop.context, [&loop, connection = std::move(connection)] {
    connection->guarded([&] {
      loop.remember(connection);
      connection->start();
    });
  });
}

// They are filled one after another: one that is awake costs less than one that must be woken.
Loop& Server::State::loop_for_one_more() const {
  const auto connections = [](const auto& loop) { return loop->executor->connections.load(); };
  const auto free = std::find_if(loops.begin(), loops.end(),
                                 [&](const auto& loop) { return connections(loop) < filled_at; });
  if (free != loops.end()) return **free;
  return **std::min_element(loops.begin(), loops.end(), [&](const auto& a, const auto& b) {
    return connections(a) < connections(b);
  });
}

std::size_t Server::State::on_all_loops(const std::function<std::size_t(Loop&)>& visit) {
  std::size_t total = 0;
  for (const auto& loop : loops) {
    std::promise<std::size_t> answer;
    until_memory([&] { asio::post(loop->context, [&] { answer.set_value(visit(*loop)); }); });
    total += answer.get_future().get();
  }
  return total;
}

// One connection that breaks must not take the others with it.
void Server::State::serve(Loop& loop) {
  for (;;) {
    try {
      loop.context.run();
      return;
    } catch (const std::exception& error) {
      contained([&] {
        log.write_limited(LogLevel::error, "milter loop",
                          std::string("milter: internal error: ") + error.what());
      });
    }
    if (&loop == loops.front().get()) until_memory([this] { wait_on_all(); });
  }
}

void Server::State::stop_listening() {
  for (const auto& socket : sockets) {
    socket->acceptor->close();
    socket->pause->cancel();
    socket->listening.fd.reset();
    auto& path = socket->listening.unix_path;
    if (!path.empty()) ::unlink(path.c_str());
    path.clear();
  }
}

Server::Loops Server::usual_loops() {
  return {std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 8), 64};
}

Server::Server(session::Engine& engine, Log& log, Loops loops)
    : state_(std::make_unique<State>(engine, log, loops)) {}

Server::~Server() {
  drain(std::chrono::milliseconds(0));
  state_->stop_listening();
}

Expected<bool, std::string> Server::open(const std::vector<Options>& sockets) {
  for (const auto& options : sockets) {
    auto listening = listen_on(options);
    if (!listening) return tl::unexpected<std::string>(listening.error());
    auto socket = std::make_unique<State::Socket>();
    auto& loop = state_->loops.front()->context;
    socket->listening = std::move(*listening);
    socket->role = options.role;
    socket->family = family_of(socket->listening.fd.get());
    socket->acceptor = std::make_unique<Acceptor>(loop, ::dup(socket->listening.fd.get()));
    socket->pause = std::make_unique<asio::steady_timer>(loop);
    state_->sockets.push_back(std::move(socket));
  }
  return true;
}

void Server::run() {
  state_->running = true;
  for (const auto& loop : state_->loops) {
    loop->thread = std::thread([this, &loop] { state_->serve(*loop); });
  }
  asio::post(state_->loops.front()->context, [this] { state_->wait_on_all(); });
}

std::size_t Server::drain(std::chrono::milliseconds within) {
  if (!state_->running) return 0;
  state_->running = false;
  state_->on_all_loops([this](Loop& loop) -> std::size_t {
    if (&loop == state_->loops.front().get()) state_->stop_listening();
    return 0;
  });
  const auto deadline = steady_now() + within;
  std::size_t in_message = 0;
  do {
    in_message = state_->on_all_loops([](Loop& loop) {
      std::size_t busy = 0;
      loop.for_each([&](Connection& connection) {
        connection.drain();
        if (connection.busy()) ++busy;
      });
      return busy;
    });
    if (in_message == 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (steady_now() < deadline);
  state_->on_all_loops([](Loop& loop) -> std::size_t {
    loop.for_each([](Connection& connection) { connection.close(); });
    return 0;
  });
  // Each loop ends by itself when its connections are gone, and their sessions with them: nobody
  // hands it a task after that.
  for (const auto& loop : state_->loops) {
    loop->work.reset();
    loop->thread.join();
  }
  return in_message;
}

}  // namespace sekisho::milter
