#include "net/connect.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/un.h>
#include <asio/generic/stream_protocol.hpp>
#include <asio/post.hpp>

#include "net/loop.h"
#include "net/socket_options.h"
#include "net/timer.h"

namespace sekisho::net {

namespace {

ConnectError system_error(int error, bool at_source = false) {
  return {at_source, std::strerror(error)};  // NOLINT(concurrency-mt-unsafe): glibc's is safe
}

// Without a given address: a public one and none that changes daily, for it has no PTR (RFC 5014
// §3). The option's number and value stand in <linux/in6.h>, which cannot be included beside the
// other headers.
void prefer_public_address(int fd) {
  constexpr int addr_preferences = 72;
  constexpr int prefer_src_public = 2;
  ::setsockopt(fd, IPPROTO_IPV6, addr_preferences, &prefer_src_public, sizeof prefer_src_public);
}

class Attempt final : public Connecting, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Loop& loop, Connected done)
      : loop_(loop), socket_(loop.context()), timer_(loop), done_(std::move(done)) {}

  void start(const Dial& dial) {
    UniqueFd fd(::socket(dial.to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // Without the family there is no address of it either.
    if (!fd) return fail_later(system_error(errno, dial.from && errno == EAFNOSUPPORT));
    if (dial.from && ::bind(fd.get(), dial.from->get(), dial.from->size) != 0)
      return fail_later(system_error(errno, errno == EADDRNOTAVAIL));
    if (!dial.from && dial.to.family() == AF_INET6) prefer_public_address(fd.get());
    const int result = ::connect(fd.get(), dial.to.get(), dial.to.size);
    // EAGAIN: the queue of a Unix socket is full, and nothing would tell when it is not.
    if (result != 0 && errno != EINPROGRESS) return fail_later(system_error(errno));
    family_ = dial.to.family();
    socket_.assign(asio::generic::stream_protocol(family_, 0), fd.release());
    timer_.set(steady_now() + dial.within, [this, self = shared_from_this()] {
      finish(tl::unexpected<ConnectError>(system_error(ETIMEDOUT)));
    });
    socket_.async_wait(Socket::wait_write,
                       [this, self = shared_from_this()](asio::error_code) { on_writable(); });
  }

  void cancel() override { finish(tl::unexpected<ConnectError>(system_error(ECANCELED))); }

 private:
  using Socket =
      asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

  void fail_later(const ConnectError& error) {
    asio::post(loop_.context(), [this, self = shared_from_this(), error] {
      finish(tl::unexpected<ConnectError>(error));
    });
  }

  void on_writable() {
    if (!done_) return;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
      error = errno;
    if (error != 0) return finish(tl::unexpected<ConnectError>(system_error(error)));
    UniqueFd fd(socket_.release());
    if (family_ != AF_UNIX) send_at_once(fd.get());
    finish(Link{std::move(fd), family_, Seat(loop_, nullptr)});
  }

  void finish(Expected<Link, ConnectError> result) {
    if (!done_) return;
    timer_.cancel();
    asio::error_code ignored;
    socket_.close(ignored);
    std::exchange(done_, nullptr)(std::move(result));
  }

  Loop& loop_;
  Socket socket_;
  Timer timer_;
  Connected done_;
  int family_ = AF_UNSPEC;
};

}  // namespace

std::optional<SocketName> source_of(int fd) {
  SocketName name;
  name.size = sizeof name.address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name.address), &name.size) != 0)
    return std::nullopt;
  if (name.family() == AF_INET) {
    reinterpret_cast<sockaddr_in&>(name.address).sin_port = 0;
  } else if (name.family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(name.address).sin6_port = 0;
  } else {
    return std::nullopt;
  }
  return name;
}

bool is_here(const SocketName& source) {
  const UniqueFd probe(::socket(source.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return !probe || ::bind(probe.get(), source.get(), source.size) == 0 || errno != EADDRNOTAVAIL;
}

Expected<SocketName, std::string> source_towards(const SocketName& to) {
  const UniqueFd probe(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (probe && to.family() == AF_INET6) prefer_public_address(probe.get());
  if (!probe || ::connect(probe.get(), to.get(), to.size) != 0)
    return tl::unexpected(system_error(errno).what);
  const auto source = source_of(probe.get());
  if (!source) return tl::unexpected<std::string>("no address of this host");
  return *source;
}

bool set_unix(SocketName& name, const std::string& path) {
  sockaddr_un to{};
  if (path.size() >= sizeof to.sun_path) return false;
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, path.size());
  std::memcpy(&name.address, &to, sizeof to);
  name.size = sizeof to;
  return true;
}

std::shared_ptr<Connecting> connect(Loop& loop, const Dial& dial, Connected done) {
  auto attempt = std::make_shared<Attempt>(loop, std::move(done));
  attempt->start(dial);
  return attempt;
}

}  // namespace sekisho::net
