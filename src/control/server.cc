#include "control/server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "base/memory.h"
#include "base/unix_socket.h"
#include "control/protocol.h"

namespace sekisho::control {

using nlohmann::json;

namespace {

// The pause until the next attempt when descriptors or memory have run out.
void pause() { ::poll(nullptr, 0, static_cast<int>(net::accept_pause.count())); }

std::string text_of(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json failure(const std::string& why) { return {{"ok", false}, {"error", why}}; }

bool is_for_later(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Server::~Server() { stop(); }

Expected<void, std::string> Server::open(const Options& options) {
  auto listening = listen_unix({options.socket, 0660, "", options.group});
  if (!listening) {
    return tl::unexpected<std::string>("control socket " + options.socket + ": " +
                                       listening.error());
  }
  path_ = options.socket;
  acceptor_.emplace(std::move(*listening), "control", log_);
  wake_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_) return tl::unexpected<std::string>("cannot open an eventfd");
  return {};
}

void Server::run(Handlers quick, Handlers slow) {
  quick_ = std::move(quick);
  slow_ = std::move(slow);
  thread_ = std::thread([this] { serve(); });
  slow_thread_ = std::thread([this] { work_slowly(); });
}

void Server::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wake();
  until_memory([this] { slow_tasks_.post([] {}); });
  thread_.join();
  slow_thread_.join();
  connections_.clear();
  acceptor_.reset();
  ::unlink(path_.c_str());
}

void Server::wake() const {
  const std::uint64_t one = 1;
  // It fails only if the counter is full, and then the thread is awake.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void Server::work_slowly() noexcept {
  const Patience patience;
  while (!stopping_) {
    contained([this] {
      slow_tasks_.run_until([this] { return stopping_.load(); },
                            steady_now() + std::chrono::hours(1));
    });
  }
}

void Server::serve() noexcept {
  const Patience patience;  // what it handles are JSON values
  while (!stopping_) {
    // Without memory the others wait a moment, and only the current request is lost.
    if (!contained([this] { wait(); })) pause();
    end_overdue();
  }
}

// One round: waits until a connection has an event, or its time is over.
bool Server::wait() {
  std::vector<pollfd> descriptors = {{wake_.get(), POLLIN, 0}, {acceptor_->fd(), POLLIN, 0}};
  std::vector<Connection*> whose;
  SteadyTime until = steady_now() + std::chrono::minutes(1);
  for (auto& each : connections_) {
    if (each.stage == Connection::Stage::answering) continue;
    const bool reads = each.stage == Connection::Stage::reading;
    descriptors.push_back({each.fd.get(), static_cast<short>(reads ? POLLIN : POLLOUT), 0});
    whose.push_back(&each);
    until = std::min(until, each.until);
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_now()).count();
  const int ready = ::poll(descriptors.data(), descriptors.size(),
                           static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
  if (ready <= 0 || stopping_) return false;
  if (descriptors[0].revents != 0) take_answers();
  for (std::size_t i = 0; i < whose.size(); ++i) {
    if (descriptors[i + 2].revents == 0) continue;
    auto& connection = *whose[i];
    // An exception ends this connection, and not the round.
    const bool went = contained([&] {
      connection.stage == Connection::Stage::reading ? read(connection) : write(connection);
    });
    if (!went) connection.stage = Connection::Stage::over;
  }
  // Last, because it may close the oldest.
  if (descriptors[1].revents != 0) accept_all();
  return true;
}

void Server::accept_all() {
  for (std::size_t i = 0; i < max_connections; ++i) {
    auto accepted = acceptor_->accept();
    if (accepted.pause) pause();
    if (!accepted.fd) return;
    make_room();
    connections_.push_back({std::move(accepted.fd), steady_now() + request_time});
    connections_.back().number = ++last_number_;
  }
}

// Closes the connection that has been open longest without a request.
void Server::make_room() {
  if (connections_.size() < max_connections) return;
  auto oldest = std::find_if(connections_.begin(), connections_.end(), [](const Connection& each) {
    return each.stage == Connection::Stage::reading || each.stage == Connection::Stage::over;
  });
  if (oldest == connections_.end()) oldest = connections_.begin();
  connections_.erase(oldest);
}

void Server::end_overdue() noexcept {
  const auto now = steady_now();
  connections_.remove_if([&](const Connection& each) {
    const bool late = each.stage != Connection::Stage::answering && each.until <= now;
    return late || each.stage == Connection::Stage::over;
  });
}

void Server::read(Connection& connection) {
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t octets = ::recv(connection.fd.get(), chunk.data(), chunk.size(), 0);
    if (octets == 0) return take_request(connection);
    if (octets < 0) {
      if (!is_for_later(errno)) connection.stage = Connection::Stage::over;
      return;
    }
    connection.request.append(chunk.data(), static_cast<std::size_t>(octets));
    if (connection.request.size() <= max_request_octets) continue;
    connection.stage = Connection::Stage::over;
    return;
  }
}

void Server::take_request(Connection& connection) {
  const auto request = json::parse(connection.request, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object() || !request.contains("verb") || !request["verb"].is_string()) {
    return begin_answer(connection, text_of(failure("the request is no JSON object with a verb")));
  }
  const auto verb = request["verb"].get<std::string>();
  if (const auto quick = quick_.find(verb); quick != quick_.end()) {
    return begin_answer(connection, answer_to(request, quick->second));
  }
  const auto slow = slow_.find(verb);
  if (slow == slow_.end()) return begin_answer(connection, text_of(failure("unknown verb")));
  slow_tasks_.post([this, request, number = connection.number, &handler = slow->second] {
    std::list<Answer> one(1);
    one.front() = {number, answer_to(request, handler)};
    answers_.with([&](auto& answers) { answers.splice(answers.end(), one); });
    wake();
  });
  connection.stage = Connection::Stage::answering;
}

std::string Server::answer_to(const json& request, const Handler& handler) const {
  try {
    return text_of(handler(request));
  } catch (const std::exception& error) {
    return text_of(failure(error.what()));
  }
}

void Server::begin_answer(Connection& connection, std::string text) {
  connection.answer = std::move(text);
  connection.stage = Connection::Stage::writing;
  connection.until = steady_now() + request_time;
  write(connection);
}

void Server::write(Connection& connection) {
  while (connection.written < connection.answer.size()) {
    const auto rest = std::string_view(connection.answer).substr(connection.written);
    const ssize_t octets = ::send(connection.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (octets < 0) {
      if (is_for_later(errno)) return;
      log_.info("control: a client went away before its answer");
      break;
    }
    connection.written += static_cast<std::size_t>(octets);
  }
  connection.stage = Connection::Stage::over;
}

void Server::take_answers() {
  std::uint64_t drained = 0;
  [[maybe_unused]] const ssize_t size = ::read(wake_.get(), &drained, sizeof drained);
  std::list<Answer> answers;
  answers_.with([&](auto& waiting) { answers.swap(waiting); });
  for (auto& answer : answers) {
    const auto connection =
        std::find_if(connections_.begin(), connections_.end(),
                     [&](const Connection& each) { return each.number == answer.connection; });
    if (connection != connections_.end()) begin_answer(*connection, std::move(answer.text));
  }
}

}  // namespace sekisho::control
