#include "control/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unix_socket.h"
#include "control/protocol.h"
#include "control/stream.h"

namespace sekisho::control {

using nlohmann::json;

Server::~Server() { stop(); }

Expected<bool, std::string> Server::open(const Options& options) {
  auto listening = listen_unix({options.socket, 0660, "", options.group});
  if (!listening) {
    return tl::unexpected<std::string>("control socket " + options.socket + ": " +
                                       listening.error());
  }
  path_ = options.socket;
  listening_ = std::move(*listening);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected<std::string>("cannot open a pipe");
  stop_reader_.reset(ends[0]);
  stop_writer_.reset(ends[1]);
  return true;
}

void Server::run(std::map<std::string, Handler> handlers) {
  handlers_ = std::move(handlers);
  thread_ = std::thread([this] { serve(); });
}

void Server::stop() {
  if (!thread_.joinable()) return;
  stop_writer_.reset();  // the reading end becomes readable
  thread_.join();
  listening_.reset();
  ::unlink(path_.c_str());
}

void Server::serve() {
  for (;;) {
    pollfd descriptors[2] = {{listening_.get(), POLLIN, 0}, {stop_reader_.get(), POLLIN, 0}};
    if (::poll(descriptors, 2, -1) < 0) continue;
    if (descriptors[1].revents != 0) return;
    const UniqueFd connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) {
      answer(connection.get());
    } else if (errno == EMFILE || errno == ENFILE) {
      ::poll(nullptr, 0, 100);  // the socket stays readable: do not spin
    }
  }
}

void Server::answer(int connection) {
  const auto request = read_all(connection, max_request_octets, request_timeout);
  if (!request) return;
  const auto text = handle(*request).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (!write_all(connection, text, request_timeout)) {
    log_.info("control: a client went away before its answer");
  }
}

json Server::handle(const std::string& text) {
  const auto failed = [](const std::string& why) { return json{{"ok", false}, {"error", why}}; };
  const auto request = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object() || !request.contains("verb") || !request["verb"].is_string()) {
    return failed("the request is no JSON object with a verb");
  }
  const auto handler = handlers_.find(request["verb"].get<std::string>());
  if (handler == handlers_.end()) return failed("unknown verb");
  try {
    return handler->second(request);
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}

}  // namespace sekisho::control
