// Connecting without blocking: to who listens, to nobody, from an address that is not there, and in
// vain.
#include "net/connect.h"

#include <cstring>
#include <future>

#include <netinet/in.h>

#include <gtest/gtest.h>

#include "base/inet_socket.h"
#include "base/log.h"
#include "base/unix_socket.h"
#include "net/loop.h"
#include "net/loops.h"
#include "support/temporary_folder.h"

namespace sekisho::net {
namespace {

using Outcome = Expected<bool, ConnectError>;

SocketName loopback(std::uint16_t port, std::uint32_t address = INADDR_LOOPBACK) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(address);
  SocketName name;
  std::memcpy(&name.address, &in, sizeof in);
  name.size = sizeof in;
  return name;
}

class NetConnect : public testing::Test {
 protected:
  NetConnect() : log_(stderr_sink("test"), LogLevel::error), loops_("net", log_, {1, 64}) {
    loops_.run();
  }

  // Whether the link has a descriptor; or the error.
  Outcome try_it(const Dial& dial, bool cancel = false) {
    std::promise<Outcome> promise;
    loops_.first().executor()->post([&] {
      const auto attempt = connect(loops_.first(), dial, [&](Expected<Link, ConnectError> link) {
        promise.set_value(link ? Outcome(static_cast<bool>(link->fd))
                               : Outcome(tl::unexpected(link.error())));
      });
      if (cancel) attempt->cancel();
    });
    return promise.get_future().get();
  }

  Log log_;
  Loops loops_;
};

TEST_F(NetConnect, ToWhoListens) {
  const auto listening = listen_inet({"127.0.0.1", 0}, 1);
  const auto done = try_it({.to = loopback(port_of(listening->get())), .from = {}});
  ASSERT_TRUE(done.has_value()) << done.error().what;
  EXPECT_TRUE(*done);
}

TEST_F(NetConnect, ToAUnixSocket) {
  const test::TemporaryFolder folder;
  const auto listening = listen_unix({folder.file("socket"), 0600, "", ""});
  Dial dial;
  ASSERT_TRUE(set_unix(dial.to, folder.file("socket")));
  EXPECT_TRUE(try_it(dial).has_value());
  ASSERT_TRUE(set_unix(dial.to, folder.file("absent")));
  EXPECT_EQ(try_it(dial).error().what, "No such file or directory");
  EXPECT_FALSE(set_unix(dial.to, std::string(108, 'x')));
}

TEST_F(NetConnect, ToNobody) {
  std::uint16_t closed = 0;
  {
    const auto listening = listen_inet({"127.0.0.1", 0}, 1);
    closed = port_of(listening->get());
  }
  const auto done = try_it({.to = loopback(closed), .from = {}});
  EXPECT_EQ(done.error().what, "Connection refused");
  EXPECT_FALSE(done.error().at_source);
}

TEST_F(NetConnect, FromAnAddressThatIsNotThere) {
  const auto listening = listen_inet({"127.0.0.1", 0}, 1);
  const auto done = try_it(
      {.to = loopback(port_of(listening->get())), .from = loopback(0, 0xcb007101)});  // 203.0.113.1
  ASSERT_FALSE(done.has_value());
  EXPECT_TRUE(done.error().at_source);
}

// As on a kernel without IPv6: the family stands for one that is not there.
TEST_F(NetConnect, FromAnAddressOfAFamilyThatIsNotThere) {
  SocketName absent;
  absent.address.ss_family = AF_MAX;
  absent.size = sizeof(sockaddr_in6);
  const auto with = try_it({.to = absent, .from = absent});
  ASSERT_FALSE(with.has_value());
  EXPECT_TRUE(with.error().at_source);
  const auto without = try_it({.to = absent, .from = {}});
  ASSERT_FALSE(without.has_value());
  EXPECT_FALSE(without.error().at_source);
}

TEST_F(NetConnect, FromAGivenAddress) {
  const auto listening = listen_inet({"127.0.0.1", 0}, 1);
  ASSERT_TRUE(
      try_it({.to = loopback(port_of(listening->get())), .from = loopback(0, INADDR_LOOPBACK + 1)})
          .has_value());
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const UniqueFd accepted(::accept(listening->get(), reinterpret_cast<sockaddr*>(&peer), &size));
  EXPECT_EQ(ntohl(peer.sin_addr.s_addr), INADDR_LOOPBACK + 1);
}

// The queue of a listening socket that nobody accepts from is full.
TEST_F(NetConnect, InVain) {
  const auto listening = listen_inet({"127.0.0.1", 0}, 0);
  const std::uint16_t port = port_of(listening->get());
  std::vector<UniqueFd> full;
  for (int i = 0; i < 3; ++i) {
    full.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto to = loopback(port);
    (void)::connect(full.back().get(), to.get(), to.size);
  }
  Dial dial{.to = loopback(port), .from = {}};
  dial.within = std::chrono::seconds(1);
  EXPECT_EQ(try_it(dial).error().what, "Connection timed out");
  dial.within = std::chrono::hours(1);
  EXPECT_EQ(try_it(dial, true).error().what, "Operation canceled");
}

}  // namespace
}  // namespace sekisho::net
