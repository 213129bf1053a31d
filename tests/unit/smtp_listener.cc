// The front on real sockets: Python's smtplib over TCP and TLS, a Unix socket, a proxy, many
// clients, and the end.
#include "smtp/listener.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/inet_socket.h"
#include "base/unix_socket.h"
#include "support/smtp_house.h"
#include "support/temporary_folder.h"
#include "support/tls_pair.h"

namespace sekisho::smtp {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::short_message;
using testing::HasSubstr;
using testing::StartsWith;

// A port that nobody uses now.
std::uint16_t free_port() {
  const auto fd = listen_inet({"127.0.0.1", 0}, 1);
  return port_of(fd->get());
}

// A client that speaks in clear.
class Wire {
 public:
  explicit Wire(UniqueFd fd) : fd_(std::move(fd)) {}
  static Wire to(std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
    return Wire(std::move(fd));
  }
  void send(std::string_view octets) {
    EXPECT_EQ(::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }
  // The next reply, all its lines; empty at the end of the connection.
  std::string reply() {
    std::string out;
    for (;;) {
      const auto line = next_line();
      out += line;
      if (line.size() < 4 || line[3] == ' ') return out;
    }
  }
  std::string say(const std::string& line) {
    send(line + "\r\n");
    return reply();
  }

  std::string next_line() {
    while (buffer_.find('\n') == std::string::npos) {
      pollfd ready{fd_.get(), POLLIN, 0};
      char octets[4096];
      if (::poll(&ready, 1, 30'000) <= 0) return {};
      const auto got = ::recv(fd_.get(), octets, sizeof octets, 0);
      if (got <= 0) return {};
      buffer_.append(octets, static_cast<std::size_t>(got));
    }
    const auto end = buffer_.find('\n') + 1;
    const auto line = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return line;
  }
  // Whether there is something to read within that time.
  bool readable(milliseconds time) const {
    pollfd ready{fd_.get(), POLLIN, 0};
    return !buffer_.empty() || ::poll(&ready, 1, static_cast<int>(time.count())) > 0;
  }

 private:
  UniqueFd fd_;
  std::string buffer_;
};

class SmtpListener : public testing::Test {
 protected:
  // The loops own what they run; the house's own queue is for conversations without a socket.
  void serve(std::size_t most = 0) {
    house_.change([&](Site& site) {
      const auto context = test::server_of(authority_.issue("mx.example.jp"));
      for (auto& listener : site.listeners) listener.tls_context = context;
      site.listeners.back().tls_context = nullptr;
      for (auto& listener : site.listeners) listener.limits.connections = 0;
      for (auto& listener : site.listeners) listener.limits.connections_per_minute = 0;
    });
    std::vector<Listener> listeners(3);
    constexpr Profile profiles[] = {Profile::mx, Profile::submission, Profile::submissions};
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      listeners[i].profile = profiles[i];
      ports_[i] = free_port();
      listeners[i].address = {"127.0.0.1:" + std::to_string(ports_[i])};
    }
    front_ = std::make_unique<Front>(house_.services(), loops_, most);
    const auto opened = front_->open(listeners, folder_.file("submit"));
    ASSERT_TRUE(opened) << opened.error();
    loops_.run();
    front_->run();
  }
  ~SmtpListener() override {
    if (front_) front_->drain(seconds(10));
    loops_.stop();
  }
  // A client has so much time now, and it is looked at often.
  void hurry(Times times) {
    times.look_every = milliseconds(10);
    house_.services().times = times;
  }
  Wire mx() { return Wire::to(ports_[0]); }
  // Runs a program of Python's; what it prints.
  std::string python(const std::string& program) {
    std::ofstream(folder_.file("ca.pem")) << authority_.certificate();
    std::ofstream(folder_.file("client.py"))
        << "import smtplib, ssl\n"
        << "mx, submission, submissions = " << ports_[0] << ", " << ports_[1] << ", " << ports_[2]
        << "\ncontext = ssl.create_default_context(cafile='" << folder_.file("ca.pem") << "')\n"
        << "context.check_hostname = False\n"
        << program;
    const std::string command =
        "/usr/bin/python3 " + folder_.file("client.py") + " > " + folder_.file("out") + " 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream in(folder_.file("out"));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool wait_until(const std::function<bool()>& done) {
    for (int i = 0; i < 2000 && !done(); ++i) std::this_thread::sleep_for(milliseconds(10));
    return done();
  }

  test::TemporaryFolder folder_;
  test::CertificateAuthority authority_;
  test::SmtpHouse house_;
  Log log_{std::make_shared<test::LogLines>(), LogLevel::info};
  net::Loops loops_{"smtp", log_, {.count = 2, .filled_at = 20}};
  std::unique_ptr<Front> front_;
  std::uint16_t ports_[3] = {};
};

}  // namespace

TEST_F(SmtpListener, AMessageOverTcp) {
  serve();
  auto wire = mx();
  EXPECT_THAT(wire.reply(), StartsWith("220 mx.example.jp ESMTP"));
  EXPECT_THAT(wire.say("EHLO mx.a.example"), HasSubstr("STARTTLS"));
  wire.send("MAIL FROM:<bob@a.example>\r\nRCPT TO:<alice@example.jp>\r\nDATA\r\n");
  EXPECT_THAT(wire.reply(), StartsWith("250 2.1.0"));
  EXPECT_THAT(wire.reply(), StartsWith("250 2.1.5"));
  EXPECT_THAT(wire.reply(), StartsWith("354 "));
  wire.send(std::string(short_message) + "QUIT\r\n");
  EXPECT_THAT(wire.reply(), StartsWith("250 2.0.0 Ok: queued as "));
  EXPECT_THAT(wire.reply(), StartsWith("221 2.0.0"));
  EXPECT_EQ(wire.reply(), "");
  EXPECT_EQ(house_.kept().size(), 1U);
}

TEST_F(SmtpListener, PythonOverStarttlsAndTls) {
  serve();
  const auto out = python(R"(
text = 'From: alice@example.jp\r\nTo: bob@example.jp\r\n\r\n.Hello\r\n' + 'x' * 200000 + '\r\n'
s = smtplib.SMTP('127.0.0.1', submission, local_hostname='phone')
s.starttls(context=context)
s.login('alice@example.jp', 'sesame')
print(s.sendmail('alice@example.jp', ['bob@example.jp', 'x@elsewhere.example'], text))
s.quit()
s = smtplib.SMTP_SSL('127.0.0.1', submissions, local_hostname='phone', context=context)
try:
    s.login('alice@example.jp', 'wrong')
except smtplib.SMTPAuthenticationError as error:
    print(error.smtp_code)
s.login('alice@example.jp', 'sesame')
print(s.sendmail('alice@example.jp', ['bob@example.jp'], text))
print(s.sock.version())
s.quit()
s = smtplib.SMTP('127.0.0.1', mx, local_hostname='[127.0.0.1]')
s.starttls(context=context)
print(s.sendmail('bob@a.example', ['alice@example.jp'], text))
)");
  EXPECT_EQ(out, "{}\n535\n{}\nTLSv1.3\n{}\n");
  const auto kept = house_.kept();
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_THAT(kept[0].content, HasSubstr("\r\n.Hello\r\nxxx"));
  EXPECT_EQ(kept[0].content, kept[1].content);
  EXPECT_EQ(kept[0].arrival.protocol, "ESMTPSA");
  EXPECT_EQ(kept[2].arrival.protocol, "ESMTPS");
  EXPECT_EQ(house_.services().counters.tls_1_3, 3U);
  EXPECT_EQ(house_.services().counters.logins, 2U);
}

TEST_F(SmtpListener, TheUnixSocketKnowsItsUser) {
  serve();
  auto fd = connect_unix(folder_.file("submit"));
  ASSERT_TRUE(fd) << fd.error();
  Wire wire(std::move(*fd));
  wire.reply();
  wire.say("EHLO localhost");
  wire.say("MAIL FROM:<root>");
  wire.say("RCPT TO:<nobody>");
  wire.say("DATA");
  wire.send("Subject: cron\r\n\r\nx\r\n.\r\n");
  EXPECT_THAT(wire.reply(), StartsWith("250 2.0.0"));
  ASSERT_EQ(house_.kept().size(), 1U);
  EXPECT_THAT(house_.kept()[0].received,
              HasSubstr("from userid " + std::to_string(::getuid()) + ")"));
}

TEST_F(SmtpListener, AProxyNamesItsClient) {
  house_.change(
      [](Site& site) { site.listeners[0].proxies = Proxies::parse({"127.0.0.1"}).value(); });
  serve();
  auto wire = mx();
  wire.send("PROXY TCP4 192.0.2.10 198.51.100.25 4711 25\r\n");
  EXPECT_THAT(wire.reply(), StartsWith("220 "));
  EXPECT_TRUE(house_.log().has("connect from mx.a.example[192.0.2.10]"));
  auto health = mx();
  health.send("PROXY UNKNOWN\r\n");
  EXPECT_THAT(health.reply(), StartsWith("220 "));
  health.say("EHLO x");
  EXPECT_THAT(health.say("MAIL FROM:<>"), StartsWith("550 5.7.1"));
  auto nobody = mx();
  nobody.send("EHLO x\r\n");
  EXPECT_EQ(nobody.reply(), "");
}

TEST_F(SmtpListener, ABrokenHandshakeEndsItAndIsRemembered) {
  serve();
  {
    auto wire = mx();
    wire.reply();
    wire.say("EHLO mx.a.example");
    EXPECT_THAT(wire.say("STARTTLS"), StartsWith("220 "));
    wire.send("this is no handshake\r\n\r\n");
    while (!wire.reply().empty()) {
    }
  }
  EXPECT_TRUE(wait_until([&] { return house_.services().counters.tls_failures == 1U; }));
  auto wire = mx();
  wire.reply();
  EXPECT_THAT(wire.say("EHLO mx.a.example"), testing::Not(HasSubstr("STARTTLS")));
}

TEST_F(SmtpListener, ManyIdleClientsAndOneThatIsServed) {
  serve();
  std::vector<Wire> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(mx());
    EXPECT_THAT(idle.back().reply(), StartsWith("220 "));
  }
  EXPECT_EQ(front_->connections(), 200U);
  auto wire = mx();
  wire.reply();
  EXPECT_THAT(wire.say("EHLO mx.a.example"), StartsWith("250"));
  idle.clear();
  EXPECT_TRUE(wait_until([&] { return front_->connections() == 1U; }));
}

TEST_F(SmtpListener, WithoutRoomItSaysSo) {
  serve(2);
  auto first = mx();
  auto second = mx();
  EXPECT_THAT(first.reply(), StartsWith("220 "));
  EXPECT_THAT(second.reply(), StartsWith("220 "));
  auto third = mx();
  EXPECT_THAT(third.reply(), StartsWith("421 4.3.2"));
  EXPECT_EQ(third.reply(), "");
}

// A handshake costs more than all that follows: the limits stand before it.
TEST_F(SmtpListener, LimitsStandBeforeTheHandshake) {
  serve();
  house_.change([](Site& site) { site.listeners[2].limits.connections = 2; });
  auto first = Wire::to(ports_[2]);
  auto second = Wire::to(ports_[2]);
  auto third = Wire::to(ports_[2]);
  EXPECT_TRUE(wait_until([&] { return house_.services().counters.connections_refused == 1U; }));
  EXPECT_TRUE(wait_until([&] { return front_->connections() == 2U; }));
  EXPECT_TRUE(house_.log().has("warning: Connection limit exceeded from unknown[127.0.0.1]"));
}

// --- times ---------------------------------------------------------------------------------------

TEST_F(SmtpListener, ACommandMustBeWholeInTime) {
  hurry({.command = milliseconds(300)});
  serve();
  auto silent = mx();
  EXPECT_THAT(silent.reply(), StartsWith("220 "));
  EXPECT_THAT(silent.reply(), StartsWith("421 4.4.2 mx.example.jp Error: timeout exceeded"));
  EXPECT_EQ(silent.reply(), "");
  // An octet now and then is no progress.
  auto slow = mx();
  EXPECT_THAT(slow.reply(), StartsWith("220 "));
  int sent = 0;
  for (; sent < 1000 && !slow.readable(milliseconds(10)); ++sent) slow.send("N");
  EXPECT_THAT(slow.reply(), StartsWith("421 4.4.2"));
  EXPECT_TRUE(house_.log().has("timeout after CONNECT from "));
}

TEST_F(SmtpListener, TheRestOfALongLineIsNoProgress) {
  hurry({.command = milliseconds(300)});
  serve();
  auto slow = mx();
  EXPECT_THAT(slow.reply(), StartsWith("220 "));
  slow.send(std::string(most_command_octets, 'x'));
  EXPECT_THAT(slow.reply(), StartsWith("500 5.5.2"));
  int sent = 0;
  for (; sent < 1000 && !slow.readable(milliseconds(10)); ++sent) slow.send("x");
  EXPECT_LT(sent, 1000);
  EXPECT_THAT(slow.reply(), StartsWith("421 4.4.2"));
}

TEST_F(SmtpListener, AMessageHasALeastRate) {
  hurry({.command = seconds(60), .rate = milliseconds(300), .rate_octets = 1000});
  serve();
  auto slow = mx();
  slow.reply();
  slow.say("EHLO mx.a.example");
  slow.say("MAIL FROM:<bob@a.example>");
  slow.say("RCPT TO:<alice@example.jp>");
  EXPECT_THAT(slow.say("DATA"), StartsWith("354 "));
  int sent = 0;
  for (; sent < 1000 && !slow.readable(milliseconds(10)); ++sent) slow.send("x");
  EXPECT_LT(sent, 1000);
  EXPECT_THAT(slow.reply(), StartsWith("421 4.4.2"));
  EXPECT_TRUE(house_.log().has("timeout after DATA from "));
  EXPECT_TRUE(house_.kept().empty());
}

TEST_F(SmtpListener, AHandshakeMustBeDoneInTime) {
  hurry({.command = seconds(60), .opening = milliseconds(300)});
  serve();
  auto tls_first = Wire::to(ports_[2]);
  EXPECT_TRUE(wait_until([&] { return house_.services().counters.connections == 1U; }));
  EXPECT_TRUE(wait_until([&] { return front_->connections() == 0U; }));
  auto later = mx();
  later.reply();
  later.say("EHLO mx.a.example");
  EXPECT_THAT(later.say("STARTTLS"), StartsWith("220 "));
  EXPECT_TRUE(wait_until([&] { return front_->connections() == 0U; }));
}

TEST_F(SmtpListener, DrainingTellsThoseWithinTls) {
  serve();
  std::string out;
  std::thread client([&] {
    out = python(R"(
s = smtplib.SMTP_SSL('127.0.0.1', submissions, local_hostname='phone', context=context)
print(s.getreply()[0])
try:
    print(s.sock.recv(100))
except ssl.SSLError as error:
    print(error)
)");
  });
  EXPECT_TRUE(wait_until([&] { return house_.log().has("connect from "); }));
  EXPECT_EQ(front_->drain(seconds(30)), 0U);
  client.join();
  EXPECT_EQ(out, "421\nb''\n");
}

TEST_F(SmtpListener, DrainingLetsAMessageFinish) {
  serve();
  auto idle = mx();
  idle.reply();
  auto sending = mx();
  sending.reply();
  sending.say("EHLO mx.a.example");
  sending.say("MAIL FROM:<bob@a.example>");
  sending.say("RCPT TO:<alice@example.jp>");
  EXPECT_THAT(sending.say("DATA"), StartsWith("354 "));
  std::thread drain([&] { EXPECT_EQ(front_->drain(seconds(30)), 0U); });
  EXPECT_THAT(idle.reply(), StartsWith("421 4.3.2"));
  sending.send(short_message);
  EXPECT_THAT(sending.reply(), StartsWith("250 2.0.0"));
  drain.join();
  EXPECT_EQ(house_.kept().size(), 1U);
}

TEST(SmtpSockets, ByProfile) {
  Listener listener;
  listener.profile = Profile::submissions;
  EXPECT_EQ(sockets_of(listener).value(),
            (std::vector<std::string>{"inet:465@0.0.0.0", "inet6:465@::"}));
  listener.address = {"[2001:db8::1]:2525"};
  EXPECT_EQ(sockets_of(listener).value(), (std::vector<std::string>{"inet6:2525@2001:db8::1"}));
  listener.address = {"here"};
  EXPECT_FALSE(sockets_of(listener));
}

}  // namespace sekisho::smtp
