// A server that does not know what is spoken: several sockets, limits, no descriptors, draining.
#include "net/server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "support/few_descriptors.h"
#include "support/line_peer.h"
#include "support/temporary_folder.h"

namespace sekisho::net {

namespace {

using test::LineClient;
using test::LinePeer;

class KeepingSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) const override {
    lines.with([&](auto& all) { all.emplace_back(line); });
    return true;
  }
  mutable Guarded<std::vector<std::string>> lines;
};

// Two sockets whose peers greet with different words; on a third nobody is served.
class NetServer : public testing::Test {
 protected:
  explicit NetServer(std::size_t max_connections = Server::usual_connections)
      : server_("front", loops_, log_, max_connections) {
    const auto socket = [this](const std::string& name) {
      return Server::Socket{{.socket = "unix:" + path(name)}, [this, name](Link link) {
                              return std::make_shared<LinePeer>(std::move(link), name, all_);
                            }};
    };
    const auto opened =
        server_.open({socket("mx"),
                      socket("msa"),
                      {{.socket = "unix:" + path("nobody")}, [](Link) { return nullptr; }},
                      {{.socket = "unix:" + path("bug")},
                       [](Link) -> std::shared_ptr<Peer> { throw std::runtime_error("a bug"); }}});
    EXPECT_TRUE(opened) << opened.error();
    loops_.run();
    server_.run();
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::vector<std::string> logged() const {
    return sink_->lines.with([](const auto& lines) { return lines; });
  }
  // A connection is closed a moment before the log says so.
  std::vector<std::string> first_logged() const {
    for (int i = 0; i < 1000 && logged().empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return logged();
  }

  std::shared_ptr<KeepingSink> sink_ = std::make_shared<KeepingSink>();
  Log log_{sink_, LogLevel::warning};
  test::TemporaryFolder folder_;
  test::LinePeers all_;
  Loops loops_{"front", log_, {.count = 3, .filled_at = 2}};
  Server server_;
};

class NetServerForTwo : public NetServer {
 protected:
  NetServerForTwo() : NetServer(2) {}
};

TEST_F(NetServer, EachSocketMakesItsOwnPeers) {
  for (int i = 0; i < 3; ++i) {
    LineClient mx(path("mx"));
    LineClient msa(path("msa"));
    EXPECT_EQ(mx.next(), "mx");
    EXPECT_EQ(msa.next(), "msa");
    EXPECT_EQ(mx.ask("hello"), "hello");
  }
  EXPECT_TRUE(LineClient(path("nobody")).closed());
  EXPECT_TRUE(logged().empty());
}

TEST_F(NetServer, APeerThatCannotBeMadeIsTurnedAway) {
  EXPECT_TRUE(LineClient(path("bug")).closed());
  EXPECT_EQ(first_logged(), std::vector<std::string>{"front: a connection was turned away: a bug"});
  LineClient other(path("mx"));
  EXPECT_EQ(other.next(), "mx");
}

TEST_F(NetServer, ASocketThatCannotBeHadIsAnErrorThatNamesIt) {
  Server second("front", loops_, log_);
  const auto opened = second.open({{{.socket = "unix:" + path("mx")}, nullptr}});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().starts_with("front socket unix:" + path("mx") + ": process "))
      << opened.error();
}

// The programs that this one starts would keep the socket open when it has ended.
TEST_F(NetServer, NoProgramInheritsADescriptor) {
  int sockets = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (!std::filesystem::read_symlink(each, gone).string().starts_with("socket:")) continue;
    ++sockets;
    EXPECT_NE(::fcntl(std::stoi(each.path().filename()), F_GETFD) & FD_CLOEXEC, 0) << each;
  }
  EXPECT_GE(sockets, 4);
}

TEST_F(NetServerForTwo, WhatIsBeyondTheLimitIsTurnedAway) {
  LineClient first(path("mx"));
  auto second = std::make_unique<LineClient>(path("msa"));
  EXPECT_EQ(first.next(), "mx");
  EXPECT_EQ(second->next(), "msa");
  EXPECT_TRUE(LineClient(path("mx")).closed());
  EXPECT_TRUE(LineClient(path("mx")).closed());
  EXPECT_EQ(logged(),
            std::vector<std::string>{"front: more than 2 connections; some are turned away"});
  second.reset();
  for (int i = 0; i < 1000 && all_.open > 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  LineClient third(path("mx"));
  EXPECT_EQ(third.next(), "mx");
}

// The time that this process has used.
std::chrono::milliseconds used_cpu() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return std::chrono::milliseconds((used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                                   (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000);
}

TEST_F(NetServer, WithoutDescriptorsConnectionsAreTurnedAwayAndItRecovers) {
  LineClient before(path("mx"));
  EXPECT_EQ(before.next(), "mx");
  {
    const test::FewDescriptors one_for_the_client(1);
    const auto began = used_cpu();
    const LineClient first(path("mx"));
    EXPECT_TRUE(first.connected() && first.closed()) << "turned away at once";
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_LT((used_cpu() - began).count(), 300) << "did not spin";
  }
  EXPECT_EQ(before.ask("hello"), "hello");
  LineClient after(path("mx"));
  EXPECT_EQ(after.next(), "mx");
}

// The reserve is there again for the next one.
TEST_F(NetServer, WithoutDescriptorsEveryConnectionIsTurnedAway) {
  LineClient before(path("mx"));
  EXPECT_EQ(before.next(), "mx");
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{30, 0};
    ::setsockopt(clients.back().get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path("mx").copy(name.sun_path, sizeof name.sun_path - 1);
  int turned_away = 0;
  {
    const test::FewDescriptors none(0);
    for (const auto& client : clients) {
      char octet = 0;
      if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
          ::recv(client.get(), &octet, 1, 0) == 0) {
        ++turned_away;
      }
    }
  }
  EXPECT_EQ(turned_away, 6);
  EXPECT_EQ(before.ask("hello"), "hello");
  EXPECT_EQ(logged().size(), 1U);
}

TEST_F(NetServer, DrainClosesTheIdleAndWaitsForTheBusy) {
  LineClient idle(path("mx"));
  LineClient busy(path("msa"));
  EXPECT_EQ(idle.next(), "mx");
  EXPECT_EQ(busy.next(), "msa");
  EXPECT_EQ(busy.ask("busy"), "busy");
  std::size_t cut_off = 99;
  std::thread draining([&] { cut_off = server_.drain(std::chrono::seconds(20)); });
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(LineClient(path("mx")).connected());
  EXPECT_EQ(busy.ask("more"), "more");
  EXPECT_EQ(busy.ask("done"), "done");
  EXPECT_TRUE(busy.closed());
  draining.join();
  EXPECT_EQ(cut_off, 0U);
  EXPECT_NE(::access(path("mx").c_str(), F_OK), 0) << "the socket is removed";
}

TEST_F(NetServer, DrainEndsWhenItsTimeIsUp) {
  LineClient busy(path("mx"));
  LineClient other(path("mx"));
  EXPECT_EQ(busy.next(), "mx");
  EXPECT_EQ(other.next(), "mx");
  EXPECT_EQ(busy.ask("busy"), "busy");
  EXPECT_EQ(server_.drain(std::chrono::milliseconds(100)), 1U);
  EXPECT_TRUE(busy.closed());
  EXPECT_EQ(server_.drain(std::chrono::milliseconds(100)), 0U) << "nothing is left to drain";
}

// Two servers on the same loops: one ends, the other goes on.
TEST_F(NetServer, TheLoopsOutliveAServer) {
  LineClient old(path("mx"));
  EXPECT_EQ(old.next(), "mx");
  test::LinePeers others;
  auto other = std::make_unique<Server>("other", loops_, log_);
  ASSERT_TRUE(other->open({{{.socket = "unix:" + path("other")}, [&](Link link) {
                              return std::make_shared<LinePeer>(std::move(link), "other", others);
                            }}}));
  other->run();
  LineClient client(path("other"));
  EXPECT_EQ(client.next(), "other");
  other.reset();
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(LineClient(path("other")).connected());
  EXPECT_EQ(old.ask("hello"), "hello");
}

}  // namespace

}  // namespace sekisho::net
