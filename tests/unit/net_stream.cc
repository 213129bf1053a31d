// One connection: what arrives in pieces, what is too much, silence, and who does not read.
#include "net/stream.h"

#include <poll.h>

#include <thread>

#include <gtest/gtest.h>

#include "net/loop.h"
#include "support/line_peer.h"
#include "support/temporary_folder.h"

namespace sekisho::net {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::LineClient;
using test::LinePeer;

class NoSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return true; }
};

class NetStream : public testing::Test {
 protected:
  NetStream() {
    const auto opened =
        server_.open({{{.socket = "unix:" + path()}, [this](Link link) {
                         return std::make_shared<LinePeer>(std::move(link), "", all_);
                       }}});
    EXPECT_TRUE(opened) << opened.error();
    loops_.run();
    server_.run();
  }
  // What waits holds its connection, which must not outlive the loops.
  ~NetStream() override {
    all_.go_on.with([](auto& go_on) { go_on = nullptr; });
  }
  std::string path() const { return folder_.file("x.sock"); }
  // Until what another thread does has been done.
  static bool wait_until(const std::function<bool()>& done) {
    for (int i = 0; i < 1000 && !done(); ++i) std::this_thread::sleep_for(milliseconds(10));
    return done();
  }

  Log log_{std::make_shared<NoSink>(), LogLevel::error};
  test::TemporaryFolder folder_;
  test::LinePeers all_;
  Loops loops_{"front", log_, {.count = 1, .filled_at = 1}};
  Server server_{"front", loops_, log_};
};

TEST_F(NetStream, LinesInPiecesAndManyInOne) {
  LineClient client(path());
  for (const char octet : std::string("hello\n")) client.send(std::string_view(&octet, 1));
  EXPECT_EQ(client.next(), "hello");
  client.send("a\nb\nc");
  EXPECT_EQ(client.next(), "a");
  EXPECT_EQ(client.next(), "b");
  EXPECT_EQ(client.ask("d"), "cd");
}

TEST_F(NetStream, TheBufferGrowsToItsLimitAndNotBeyond) {
  LineClient client(path());
  for (const std::size_t length : {1U, 63U, 64U, 65U, 127U, 128U, 200U, 254U, 3U}) {
    const std::string line(length, 'x');
    EXPECT_EQ(client.ask(line), line) << length;
  }
  const std::string too_long(256, 'x');
  ASSERT_TRUE(client.send(too_long));
  EXPECT_TRUE(client.closed());
}

TEST_F(NetStream, WhatFollowsOneThatWaitsIsNotLookedAt) {
  LineClient client(path());
  // The rest is more than the buffer takes, and is no reason to close.
  std::string rest;
  for (int i = 0; i < 100; ++i) rest += std::to_string(100 + i) + "\n";
  ASSERT_TRUE(client.send("a\nwait\nb\n" + rest));
  EXPECT_EQ(client.next(), "a");
  const auto taken = std::string("a\nwait\n").size();
  ASSERT_TRUE(wait_until([&] { return all_.octets == taken; }));
  EXPECT_EQ(client.next(milliseconds(100)), "");
  EXPECT_EQ(all_.octets, taken);
  all_.go_on.with([](auto& go_on) { go_on(); });
  EXPECT_EQ(client.next(), "waited");
  EXPECT_EQ(client.next(), "b");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.next(), std::to_string(100 + i));
  ASSERT_TRUE(client.send("wait\n"));
  EXPECT_EQ(client.next(milliseconds(100)), "") << "it waits again";
}

TEST_F(NetStream, WhoeverHasGoneIsNotWaitedFor) {
  auto client = std::make_unique<LineClient>(path());
  ASSERT_TRUE(client->send("wait\n"));
  ASSERT_TRUE(wait_until([&] { return all_.octets > 0; }));
  server_.drain(milliseconds(0));
  EXPECT_TRUE(client->closed());
  all_.go_on.with([](auto& go_on) {
    go_on();
    go_on = nullptr;
  });
  EXPECT_TRUE(wait_until([&] { return all_.open == 0; }));
}

TEST_F(NetStream, FromWhoeverDoesNotReadNothingMoreIsTaken) {
  LineClient deaf(path());
  constexpr std::size_t most = 16 * 1024 * 1024;  // the sockets hold a tenth of it
  const std::string line = std::string(100, 'x') + "\n";
  std::size_t sent = 0;
  pollfd ready{deaf.fd(), POLLOUT, 0};
  while (sent<most&& ::poll(&ready, 1, 2000)> 0 && deaf.send(line)) sent += line.size();
  EXPECT_LT(sent, most);
  EXPECT_GT(sent, 0U);
  // It goes on when they are read.
  for (std::size_t read = 0; read < sent; read += line.size()) {
    ASSERT_EQ(deaf.next() + "\n", line) << "after " << read << " of " << sent;
  }
}

TEST_F(NetStream, OneThatBreaksIsClosedAndNoOther) {
  LineClient good(path());
  LineClient bad(path());
  EXPECT_EQ(good.ask("a"), "a");
  bad.send("throw\n");
  EXPECT_TRUE(bad.closed());
  EXPECT_EQ(all_.broken, 1U);
  EXPECT_EQ(good.ask("b"), "b");
}

TEST_F(NetStream, WhatWasAnsweredLastStillGoesOut) {
  LineClient client(path());
  ASSERT_TRUE(client.send("a\nbye\nb\n"));
  EXPECT_EQ(client.next(), "a");
  EXPECT_EQ(client.next(), "");
  EXPECT_TRUE(wait_until([&] { return all_.open == 0; }));
}

TEST_F(NetStream, DrainSendsWhatHasNotBeenReadYet) {
  LineClient slow(path());
  const std::string line = std::string(200, 'x') + "\n";
  std::size_t sent = 0;
  pollfd ready{slow.fd(), POLLOUT, 0};
  while (::poll(&ready, 1, 500) > 0 && slow.send(line)) sent += line.size();
  std::size_t cut_off = 1;
  std::thread draining([&] { cut_off = server_.drain(seconds(20)); });
  std::size_t read = 0;
  for (std::string each; !(each = slow.next()).empty();) read += each.size() + 1;
  draining.join();
  EXPECT_EQ(cut_off, 0U);
  EXPECT_EQ(read, all_.octets) << "all that was taken of " << sent;
}

class NetStreamWithLittlePatience : public NetStream {
 protected:
  NetStreamWithLittlePatience() { all_.limits.idle = seconds(1); }
};

// Its time begins anew with all that it says.
TEST_F(NetStreamWithLittlePatience, WhoeverIsSilentIsToldSoAndClosed) {
  LineClient client(path());
  EXPECT_EQ(client.next(milliseconds(500)), "");
  const auto last_word = steady_now();
  EXPECT_EQ(client.ask("a"), "a");
  EXPECT_EQ(client.next(), "idle");
  EXPECT_GE(steady_now() - last_word, all_.limits.idle);
  EXPECT_TRUE(client.closed());
}

}  // namespace

}  // namespace sekisho::net
