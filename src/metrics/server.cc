#include "metrics/server.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <optional>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/inet_socket.h"
#include "base/memory.h"
#include "base/unique_handle.h"
#include "net/acceptor.h"

namespace sekisho::metrics {

namespace {

using ResponseHandle = UniqueHandle<MHD_Response, MHD_destroy_response>;
using DaemonHandle = UniqueHandle<MHD_Daemon, MHD_stop_daemon>;

// A burst waits here for the next round of the loop, instead of a second for the retransmitted SYN.
constexpr int backlog = 128;

struct Page {
  unsigned status = MHD_HTTP_OK;
  const char* type = "text/plain; charset=utf-8";
  std::string body;
};

tl::unexpected<std::string> error(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

// No decoding of %-octets: "/metrics%00x" must not become "/metrics".
size_t keep_escapes(void* /*self*/, MHD_Connection* /*connection*/, char* text) noexcept {
  return std::strlen(text);
}

MHD_Result send(MHD_Connection* connection, const Page& page) {
  const ResponseHandle response(MHD_create_response_from_buffer(
      page.body.size(), const_cast<char*>(page.body.data()), MHD_RESPMEM_MUST_COPY));
  if (!response) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, page.type);
  // One request per connection, so that the time of a connection bounds that of its request.
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONNECTION, "close");
  if (page.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  return MHD_queue_response(connection, page.status, response.get());
}

}  // namespace

class Server::Http {
 public:
  Http(UniqueFd listening, InetAddress address, Log& log)
      : log_(log),
        acceptor_(std::in_place, std::move(listening), "metrics", log),
        address_(std::move(address)) {}
  ~Http() { stop(); }

  Expected<void, std::string> run(Pages pages);
  void stop();
  std::string address() const { return address_.text(); }

 private:
  struct Connection {
    int fd;  // libmicrohttpd's
    SteadyTime until;
    bool over = false;
  };

  void serve();
  void accept_some();
  void take(UniqueFd fd);
  static void end(Connection& connection);
  int wait_ms() const;
  void end_overdue();
  Page page(std::string_view method, std::string_view path) const;

  static void on_connection(void* self, MHD_Connection* connection, void** place,
                            MHD_ConnectionNotificationCode code) noexcept;
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path,
                               const char* method, const char* version, const char* upload,
                               size_t* upload_size, void** place) noexcept;

  Log& log_;
  std::optional<net::Acceptor> acceptor_;  // until it is stopped
  InetAddress address_;
  UniqueFd stop_reader_;
  UniqueFd stop_writer_;
  Pages pages_;
  std::list<Connection> connections_;  // the oldest first; outlives the daemon below
  DaemonHandle daemon_;
  std::thread thread_;
};

Expected<void, std::string> Server::Http::run(Pages pages) {
  pages_ = std::move(pages);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return error("metrics: cannot open a pipe");
  stop_reader_.reset(ends[0]);
  stop_writer_.reset(ends[1]);
  // Driven by our loop, with the connections that we accept and no others.
  daemon_.reset(MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, nullptr, nullptr, &Http::on_request, this,
      MHD_OPTION_NOTIFY_CONNECTION, &Http::on_connection, this, MHD_OPTION_CONNECTION_LIMIT,
      static_cast<unsigned>(2 * http_connections), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      http_request_octets, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK,
      &keep_escapes, nullptr, MHD_OPTION_END));
  if (!daemon_) return error("metrics: the HTTP server cannot be started");
  thread_ = std::thread([this] { serve(); });
  return {};
}

void Server::Http::stop() {
  if (!thread_.joinable()) return;
  stop_writer_.reset();  // makes the reading end readable
  thread_.join();
  daemon_.reset();
  acceptor_.reset();
}

void Server::Http::serve() {
  const MHD_DaemonInfo* info = MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD);
  for (;;) {
    pollfd descriptors[3] = {
        {acceptor_->fd(), POLLIN, 0}, {stop_reader_.get(), POLLIN, 0}, {info->epoll_fd, POLLIN, 0}};
    ::poll(descriptors, 3, wait_ms());
    if (descriptors[1].revents != 0) return;
    if (descriptors[0].revents != 0) contained([this] { accept_some(); });
    end_overdue();
    MHD_run(daemon_.get());
  }
}

// At most half of the open connections at a time: a client that asks at once is served before it is
// the oldest.
void Server::Http::accept_some() {
  for (std::size_t i = 0; i < http_connections / 2; ++i) {
    auto accepted = acceptor_->accept();
    if (accepted.pause) ::poll(nullptr, 0, static_cast<int>(net::accept_pause.count()));
    if (!accepted.fd) return;
    take(std::move(accepted.fd));
  }
}

void Server::Http::take(UniqueFd fd) {
  if (connections_.size() >= http_connections) {
    const auto oldest = std::find_if(connections_.begin(), connections_.end(),
                                     [](const Connection& each) { return !each.over; });
    if (oldest != connections_.end()) end(*oldest);
  }
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  ::getpeername(fd.get(), reinterpret_cast<sockaddr*>(&peer), &size);
  // The descriptor is libmicrohttpd's from here on, also when this fails.
  if (MHD_add_connection(daemon_.get(), fd.release(), reinterpret_cast<const sockaddr*>(&peer),
                         size) != MHD_YES) {
    log_.write_limited(LogLevel::warning, "metrics connections",
                       "metrics: a connection was turned away");
  }
}

// The time until the next timer; -1: none.
int Server::Http::wait_ms() const {
  MHD_UNSIGNED_LONG_LONG wanted = 0;
  if (MHD_get_timeout(daemon_.get(), &wanted) == MHD_YES && wanted == 0) return 0;
  const auto next = std::find_if(connections_.begin(), connections_.end(),
                                 [](const Connection& each) { return !each.over; });
  if (next == connections_.end()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next->until - steady_now());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

// libmicrohttpd sees the end of the connection, and closes it.
void Server::Http::end(Connection& connection) {
  connection.over = true;
  ::shutdown(connection.fd, SHUT_RDWR);
}

void Server::Http::end_overdue() {
  const auto now = steady_now();
  for (Connection& each : connections_) {
    if (!each.over && each.until <= now) end(each);
  }
}

void Server::Http::on_connection(void* self, MHD_Connection* connection, void** place,
                                 MHD_ConnectionNotificationCode code) noexcept {
  auto& connections = static_cast<Http*>(self)->connections_;
  if (code != MHD_CONNECTION_NOTIFY_STARTED) {
    connections.remove_if([&](const Connection& each) { return &each == *place; });
    return;
  }
  const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  try {
    connections.push_back({fd, steady_now() + http_request_time});
    *place = &connections.back();
  } catch (const std::exception&) {
    ::shutdown(fd, SHUT_RDWR);  // its time would not be watched
  }
}

Page Server::Http::page(std::string_view method, std::string_view path) const {
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
    return {MHD_HTTP_METHOD_NOT_ALLOWED, Page().type, "only GET and HEAD\n"};
  }
  if (path == "/metrics") {
    return {MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", pages_.metrics()};
  }
  if (path == "/healthz") {
    if (pages_.healthy()) return {MHD_HTTP_OK, Page().type, "ok\n"};
    return {MHD_HTTP_SERVICE_UNAVAILABLE, Page().type, "stopping\n"};
  }
  return {MHD_HTTP_NOT_FOUND, Page().type, "here are /metrics and /healthz\n"};
}

MHD_Result Server::Http::on_request(void* self, MHD_Connection* connection, const char* path,
                                    const char* method, const char* /*version*/,
                                    const char* /*upload*/, size_t* /*upload_size*/,
                                    void** /*place*/) noexcept {
  auto& http = *static_cast<Http*>(self);
  try {
    return send(connection, http.page(method, path));
  } catch (const std::exception& failure) {
    contained([&] {
      http.log_.write_limited(LogLevel::error, "metrics",
                              std::string("metrics: internal error: ") + failure.what());
    });
  }
  return MHD_NO;  // closes the connection
}

Server::Server(Log& log) : log_(log) {}

Server::~Server() = default;

Expected<void, std::string> Server::open(const Options& options) {
  if (options.listen.empty()) return {};
  const auto failed = [&](const std::string& why) {
    return error("metrics.listen " + options.listen + ": " + why);
  };
  auto address = parse_inet_address(options.listen);
  if (!address) return failed(address.error());
  // [::] is every address of this host, as in other exporters.
  auto listening = listen_inet(*address, backlog, V6::and_v4);
  if (!listening) return failed(listening.error());
  address->port = port_of(listening->get());
  http_ = std::make_unique<Http>(std::move(*listening), std::move(*address), log_);
  return {};
}

Expected<void, std::string> Server::run(Pages pages) {
  if (!http_) return {};
  return http_->run(std::move(pages));
}

void Server::stop() {
  if (http_) http_->stop();
}

std::string Server::address() const { return http_ ? http_->address() : std::string(); }

}  // namespace sekisho::metrics
