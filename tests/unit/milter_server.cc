// The filter over real sockets: many MTAs, what they send in pieces or never read, and draining.
#include "milter/server.h"

#include <unistd.h>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "support/milter_client.h"
#include "support/session_gate.h"
#include "support/temporary_folder.h"

namespace sekisho::milter {

namespace {

using test::MilterClient;
using test::negotiation;
using test::packet;
using test::strings;

const char* const zone = R"(
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
)";

class CountingSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return ++lines > 0; }
  mutable std::atomic<int> lines = 0;
};

Options unix_socket(const std::string& path) {
  Options options;
  options.socket = "unix:" + path;
  return options;
}

// More than one, on whatever machine this is, and a few dozen clients fill the first.
constexpr net::Loops::Size three_loops{3, 20};

// A server on a socket of its own.
class Served {
 public:
  explicit Served(session::Snapshot snapshot = test::snapshot_on_zone(zone))
      : gate_(std::move(snapshot)),
        server_(std::make_unique<Server>(gate_.engine(), loops_, log_)) {
    const auto opened = server_->open({unix_socket(path())});
    EXPECT_TRUE(opened) << opened.error();
    loops_.run();
    server_->run();
  }
  std::string path() const { return folder_.file("m.sock"); }
  Server& server() { return *server_; }
  session::Counters& counters() { return gate_.engine().counters(); }
  int logged() const { return sink_->lines; }

 private:
  std::shared_ptr<CountingSink> sink_ = std::make_shared<CountingSink>();
  Log log_{sink_, LogLevel::warning};
  test::TemporaryFolder folder_;
  test::Gate gate_;
  net::Loops loops_{"milter", log_, three_loops};
  std::unique_ptr<Server> server_;
};

TEST(Server, ServesOverTcpOfBothFamilies) {
  test::Gate gate(test::snapshot_on_zone(zone));
  Log log(std::make_shared<CountingSink>(), LogLevel::error);
  net::Loops loops("milter", log);
  Server server(gate.engine(), loops, log);
  Options v4, v6;
  const auto port = static_cast<std::uint16_t>(20'000 + ::getpid() % 20'000);
  v4.socket = "inet:" + std::to_string(port) + "@127.0.0.1";
  v6.socket = "inet6:" + std::to_string(port) + "@::1";
  const auto opened = server.open({v4, v6});
  ASSERT_TRUE(opened) << opened.error();
  loops.run();
  server.run();
  for (const char* host : {"127.0.0.1", "::1"}) {
    MilterClient client(host, port);
    ASSERT_TRUE(client.connected() && client.greet()) << host;
    EXPECT_EQ(client.message(), "c") << host;
  }
}

TEST(Server, TwoHundredConnections) {
  Served served;
  std::vector<std::unique_ptr<MilterClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<MilterClient>(served.path()));
    ASSERT_TRUE(clients.back()->greet()) << i;
  }
  for (const auto& client : clients) EXPECT_EQ(client->message(), "c");
  for (const auto& client : clients) EXPECT_EQ(client->message(), "c");
  EXPECT_EQ(served.counters().open_connections, 200);
  EXPECT_EQ(served.counters().messages, 400U);
}

TEST(Server, AConnectionThatIsDroppedInAMessageCountsAsAborted) {
  Served served;
  {
    MilterClient client(served.path());
    ASSERT_TRUE(client.greet());
    ASSERT_TRUE(client.begin());
  }
  for (int i = 0; i < 3000 && served.counters().aborted == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(served.counters().aborted, 1U);
  MilterClient client(served.path());
  ASSERT_TRUE(client.greet());
  EXPECT_EQ(client.message(), "c");
}

TEST(Server, NonsenseEndsThatConnectionOnly) {
  Served served;
  MilterClient good(served.path());
  ASSERT_TRUE(good.greet());
  for (const std::string& nonsense :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(8, '\0'), packet('z')}) {
    MilterClient bad(served.path());
    bad.send(nonsense);
    EXPECT_TRUE(bad.closed());
  }
  EXPECT_EQ(good.message(), "c");
  EXPECT_EQ(served.logged(), 1) << "whoever reaches the socket must not fill the log";
}

TEST(Server, OneWarningTellsOfMtasThatEatBlanks) {
  Served served;
  for (int n = 0; n < 3; ++n) {
    MilterClient good(served.path());
    ASSERT_TRUE(good.greet());
    EXPECT_EQ(served.logged(), n == 0 ? 0 : 1);
    MilterClient old(served.path());
    ASSERT_TRUE(old.send(negotiation(2, 0x3f, 0x7f)));
    EXPECT_FALSE(old.next().empty());
    // The answer to what comes after it shows that the warning was due.
    ASSERT_TRUE(old.send(test::connect_packet("192.0.2.10")));
    EXPECT_EQ(old.next(), "c");
    EXPECT_EQ(served.logged(), 1);
  }
}

TEST(Server, APacketInManyPieces) {
  Served served;
  MilterClient client(served.path());
  ASSERT_TRUE(client.greet());
  ASSERT_TRUE(client.begin());
  const auto whole = test::header_packet("From", " bob@a.example") +
                     test::header_packet("X-Long", std::string(300'000, 'x')) + packet('N') +
                     packet('B', std::string(65535, 'b')) + packet('E');
  for (std::size_t at = 0; at < whole.size(); at += at < 200 ? 1 : 4999) {
    client.send(std::string_view(whole).substr(at, at < 200 ? 1 : 4999));
  }
  std::string answer;
  do {
    answer = client.next();
  } while (!answer.empty() && answer[0] == 'i');
  EXPECT_EQ(answer, "c");
}

TEST(Server, DrainClosesTheIdleAndWaitsForAMessage) {
  Served served;
  MilterClient idle(served.path());
  MilterClient busy(served.path());
  ASSERT_TRUE(idle.greet() && busy.greet());
  EXPECT_EQ(idle.message(), "c");
  ASSERT_TRUE(busy.begin());
  std::size_t cut_off = 99;
  std::thread draining([&] { cut_off = served.server().drain(std::chrono::seconds(20)); });
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(MilterClient(served.path()).connected());
  busy.send(test::header_packet("From", " bob@a.example") + packet('N') + packet('E'));
  EXPECT_EQ(busy.next()[0], 'i');
  EXPECT_EQ(busy.next(), "c");
  EXPECT_TRUE(busy.closed());
  draining.join();
  EXPECT_EQ(cut_off, 0U);
  EXPECT_NE(::access(served.path().c_str(), F_OK), 0) << "the socket is removed";
}

TEST(Server, DrainEndsWhenItsTimeIsUp) {
  auto snapshot = test::snapshot_on_zone(zone);
  snapshot.resolver = std::make_shared<test::HeldResolver>(snapshot.resolver);
  Served served(std::move(snapshot));
  MilterClient busy(served.path());
  ASSERT_TRUE(busy.greet());
  ASSERT_TRUE(busy.begin());
  busy.send(packet('E'));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(served.server().drain(std::chrono::milliseconds(100)), 1U);
  EXPECT_TRUE(busy.closed());
}

std::string message_packets() {
  return packet('M', strings({"<bob@a.example>"})) + packet('R', strings({"<user@example.jp>"})) +
         test::header_packet("From", " bob@a.example") + packet('N') + packet('E');
}

TEST(Server, DrainSendsWhatTheMtaHasNotReadYet) {
  Served served;
  MilterClient slow(served.path());
  ASSERT_TRUE(slow.greet());
  // In one piece, which the filter reads at once: the kernel cuts what is longer than 32 KB. The
  // answers, each with what the kernel needs for it, are more than the socket holds.
  constexpr unsigned messages = 400;
  std::string all;
  for (unsigned i = 0; i < messages; ++i) all += message_packets();
  ASSERT_LT(all.size(), 32U * 1024);
  ASSERT_TRUE(slow.send(all));
  for (int i = 0; served.counters().messages < messages && i < 1000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_EQ(served.counters().messages, messages);
  std::size_t cut_off = 1;
  std::thread draining([&] { cut_off = served.server().drain(std::chrono::seconds(10)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  unsigned verdicts = 0;
  for (std::string answer; !(answer = slow.next()).empty();) {
    if (answer[0] == 'i') ++verdicts;
  }
  draining.join();
  EXPECT_EQ(verdicts, messages);
  EXPECT_EQ(cut_off, 0U);
}

TEST(Server, FromAnMtaThatReadsNoAnswersNothingMoreIsTaken) {
  Served served;
  MilterClient deaf(served.path());
  ASSERT_TRUE(deaf.greet());
  constexpr int most = 40'000;  // 3 MB, of which the sockets hold a tenth
  int sent = 0;
  while (sent < most && deaf.takes_more(std::chrono::seconds(2)) && deaf.send(message_packets()))
    ++sent;
  EXPECT_LT(sent, most);
  // It goes on when they are read.
  for (int verdicts = 0; verdicts < sent;) {
    const auto answer = deaf.next();
    ASSERT_FALSE(answer.empty()) << "after " << verdicts << " of " << sent;
    if (answer[0] == 'i') ++verdicts;
  }
}

}  // namespace

}  // namespace sekisho::milter
