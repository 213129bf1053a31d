// The metrics over HTTP: what is served, and what slow, greedy and malformed clients come to.
#include "metrics/server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/inet_socket.h"
#include "control/stream.h"
#include "support/few_descriptors.h"

namespace sekisho::metrics {

namespace {

using control::write_all;
using std::chrono::milliseconds;
using std::chrono::seconds;

class NoSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return true; }
};

UniqueFd connect_to(const std::string& text) {
  const auto address = parse_inet_address(text);
  if (!address) return UniqueFd();
  if (address->is_v6()) {
    UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(address->port);
    to.sin6_addr = in6addr_loopback;
    const auto* name = reinterpret_cast<const sockaddr*>(&to);
    return ::connect(fd.get(), name, sizeof to) == 0 ? std::move(fd) : UniqueFd();
  }
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address->port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* name = reinterpret_cast<const sockaddr*>(&to);
  return ::connect(fd.get(), name, sizeof to) == 0 ? std::move(fd) : UniqueFd();
}

class MetricsHttp : public testing::TestWithParam<const char*> {
 protected:
  MetricsHttp() : log_(std::make_shared<NoSink>(), LogLevel::error), server_(log_) {
    const auto opened = server_.open({GetParam()});
    EXPECT_TRUE(opened) << opened.error();
    const auto running = server_.run({[this] {
                                        if (broken_) throw std::runtime_error("a bug");
                                        return text();
                                      },
                                      [this] { return healthy_.load(); }});
    EXPECT_TRUE(running) << running.error();
  }
  UniqueFd connected() const { return connect_to(server_.address()); }
  // All that comes back for these octets; the connection must end by itself.
  std::string raw(std::string_view octets, milliseconds within = seconds(10)) const {
    const UniqueFd fd = connected();
    EXPECT_TRUE(fd);
    write_all(fd.get(), octets, within);
    return rest(fd.get(), within);
  }
  // What a peer sent before it ended the connection, also when it did so with a reset.
  static std::string rest(int fd, milliseconds within) {
    std::string out;
    for (const auto until = steady_now() + within; steady_now() < until;) {
      pollfd ready{fd, POLLIN, 0};
      if (::poll(&ready, 1, 100) <= 0) continue;
      char chunk[4096];
      const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
      if (got <= 0) return out;
      out.append(chunk, static_cast<std::size_t>(got));
    }
    ADD_FAILURE() << "the connection did not end";
    return out;
  }
  std::string get(const std::string& path) const {
    return raw("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  // A scrape works, and sooner than whoever is slow has to go.
  void expect_served() const {
    const auto began = steady_now();
    EXPECT_TRUE(get("/metrics").ends_with("\r\n\r\n" + text()));
    EXPECT_LT(steady_now() - began, http_request_time - milliseconds(500));
  }

  std::string text() const { return "# TYPE a gauge\na 1\n" + std::string(more_, '#'); }

  std::atomic<std::size_t> more_{0};  // octets of a comment
  std::atomic<bool> healthy_{true};
  std::atomic<bool> broken_{false};
  Log log_;
  Server server_;
};

TEST_P(MetricsHttp, WhatIsServed) {
  const std::string metrics = get("/metrics");
  EXPECT_TRUE(metrics.starts_with("HTTP/1.1 200 OK\r\n")) << metrics;
  EXPECT_NE(metrics.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            std::string::npos);
  EXPECT_NE(metrics.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(metrics.ends_with("\r\n\r\n" + text()));
  EXPECT_TRUE(get("/metrics?name[]=a").ends_with("\r\n\r\n" + text()));
  EXPECT_TRUE(raw("GET /metrics HTTP/1.0\r\n\r\n").ends_with("\r\n\r\n" + text()));
  const std::string head = raw("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n")) << head;
}

TEST_P(MetricsHttp, HealthSaysWhetherMailIsTaken) {
  EXPECT_TRUE(get("/healthz").ends_with("\r\n\r\nok\n"));
  healthy_ = false;
  const std::string stopping = get("/healthz");
  EXPECT_TRUE(stopping.starts_with("HTTP/1.1 503 ")) << stopping;
  EXPECT_TRUE(stopping.ends_with("\r\n\r\nstopping\n"));
}

TEST_P(MetricsHttp, WhatIsNotServed) {
  const std::pair<std::string, std::string> table[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
      {"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
      {"GET /metrics%00 HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
      {"GET /metric%73 HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
      {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
      {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405"},
      {"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
      {"PUT /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
       "chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
       "405"},
  };
  for (const auto& [request, status] : table) {
    const std::string answer = raw(request);
    EXPECT_EQ(answer.find(text()), std::string::npos) << request << answer;
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status + " ")) << request << answer;
  }
  expect_served();
}

TEST_P(MetricsHttp, ASecondRequestOnAConnectionIsNotAnswered) {
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n";
  const std::string answer = raw(request + request);
  EXPECT_EQ(answer.find("ok\n"), answer.rfind("ok\n")) << answer;
}

TEST_P(MetricsHttp, GarbageIsNotAnsweredWithMetrics) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string cases[] = {
      "\r\n\r\n\r\n\r\n",
      std::string(1000, '\0'),
      all + all + "\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS here\r\n\r\n",
      "GET\r\n\r\n",
      "GET /metrics\r\n\r\n",
      "GET /metrics HTTP/9.9\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nno colon\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nContent-Length: -1\r\nHost: x\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\nHost: x\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  // Whatever it says, it ends; all at once, for some of them wait for what is to come.
  std::vector<std::thread> clients;
  for (const auto& octets : cases) {
    clients.emplace_back([&] {
      const std::string answer = raw(octets, http_request_time + seconds(30));
      EXPECT_EQ(answer.find(text()), std::string::npos) << octets.substr(0, 40);
    });
  }
  for (auto& client : clients) client.join();
  expect_served();
}

// The limits by name.

TEST_P(MetricsHttp, ARequestOfAMegabyteIsRefused) {
  const std::string megabyte(1024 * 1024, 'x');
  const std::string cases[] = {
      "GET /" + megabyte + " HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: x\r\nCookie: " + megabyte + "\r\n\r\n",
      megabyte,
  };
  for (const auto& request : cases) {
    const std::string answer = raw(request);
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 4")) << answer.substr(0, 80);
  }
  std::string many = "GET /metrics HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 50'000; ++i) many += "X: y\r\n";
  EXPECT_EQ(raw(many + "\r\n").find(text()), std::string::npos);
  expect_served();
}

TEST_P(MetricsHttp, WhatFitsIntoTheLimitIsServed) {
  const std::string cookie(4096, 'x');
  EXPECT_TRUE(raw("GET /metrics HTTP/1.1\r\nHost: x\r\nCookie: " + cookie + "\r\n\r\n")
                  .ends_with("\r\n\r\n" + text()));
}

// One octet a second is activity, and no request.
TEST_P(MetricsHttp, ASlowClientHasTheTimeOfOneRequest) {
  const UniqueFd slow = connected();
  const auto began = steady_now();
  bool ended = false;
  while (!ended && steady_now() - began < http_request_time + seconds(30)) {
    write_all(slow.get(), "G", milliseconds(100));
    pollfd ready{slow.get(), POLLIN, 0};
    ended = ::poll(&ready, 1, 500) > 0;
    expect_served();
  }
  EXPECT_TRUE(ended);
  EXPECT_GT(steady_now() - began, http_request_time - seconds(1));
  EXPECT_LT(steady_now() - began, 2 * http_request_time);
}

TEST_P(MetricsHttp, ManySlowClientsHoldNobodyUp) {
  std::vector<UniqueFd> slow;
  for (std::size_t i = 0; i < 3 * http_connections; ++i) {
    slow.push_back(connected());
    ASSERT_TRUE(slow.back());
    write_all(slow.back().get(), "GET /metrics HTTP/1.1\r\nHost: ", seconds(1));
  }
  for (int i = 0; i < 5; ++i) expect_served();
  // The oldest had to go at once, long before their time.
  const auto began = steady_now();
  for (std::size_t i = 0; i < http_connections; ++i) rest(slow[i].get(), seconds(3));
  EXPECT_LT(steady_now() - began, seconds(2));
}

TEST_P(MetricsHttp, WhoReadsNothingHoldsNobodyUp) {
  more_ = 16 * 1024 * 1024;
  const UniqueFd lazy = connected();
  write_all(lazy.get(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", seconds(1));
  std::this_thread::sleep_for(milliseconds(500));  // the answer has been made
  const std::size_t whole = text().size();
  more_ = 0;
  expect_served();
  // It gets what the kernel held for it when its time was over, and not the whole.
  std::this_thread::sleep_for(http_request_time);
  EXPECT_LT(rest(lazy.get(), seconds(30)).size(), whole);
}

TEST_P(MetricsHttp, AClientThatGoesAwayHarmsNobody) {
  for (int i = 0; i < 200; ++i) {
    const UniqueFd fd = connected();
    ASSERT_TRUE(fd);
    if (i % 2 == 0) write_all(fd.get(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", seconds(1));
    const linger reset{1, 0};
    if (i % 3 == 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  expect_served();
}

// Whoever comes learns it at once, and whoever is connected is served as always.
TEST_P(MetricsHttp, WithoutDescriptorsOneMoreIsTurnedAway) {
  const UniqueFd before = connected();
  ASSERT_TRUE(before);
  write_all(before.get(), "GET /metrics HTTP/1.1\r\n", seconds(5));
  expect_served();  // so it has been accepted
  {
    const test::FewDescriptors one_for_the_client(1);
    const UniqueFd late = connected();
    ASSERT_TRUE(late);
    EXPECT_EQ(rest(late.get(), seconds(20)), "");
    write_all(before.get(), "Host: x\r\n\r\n", seconds(5));
    EXPECT_TRUE(rest(before.get(), seconds(20)).ends_with("\r\n\r\n" + text()));
  }
  expect_served();
}

TEST_P(MetricsHttp, AnExceptionEndsTheConnectionAndNothingElse) {
  broken_ = true;
  EXPECT_EQ(get("/metrics").find("HTTP/1.1 200"), std::string::npos);
  EXPECT_TRUE(get("/healthz").ends_with("ok\n"));
  broken_ = false;
  expect_served();
}

TEST_P(MetricsHttp, ManyAtTheSameTime) {
  std::vector<std::thread> clients;
  std::atomic<int> served{0};
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (int j = 0; j < 25; ++j) served += get("/metrics").ends_with(text()) ? 1 : 0;
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(served, 200);
}

TEST_P(MetricsHttp, ItsEnd) {
  const UniqueFd waiting = connected();
  server_.stop();
  EXPECT_EQ(rest(waiting.get(), seconds(20)), "");
  EXPECT_FALSE(connected());
  server_.stop();
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, MetricsHttp, testing::Values("127.0.0.1:0", "[::1]:0"),
                         [](const auto& name) { return name.index == 0 ? "IPv4" : "IPv6"; });

TEST(Server, nowhereIsNoError) {
  Log log(std::make_shared<NoSink>(), LogLevel::error);
  Server server(log);
  EXPECT_TRUE(server.open({""}));
  EXPECT_TRUE(server.run({}));
  EXPECT_EQ(server.address(), "");
  server.stop();
}

TEST(Server, aPortThatIsTakenIsAnErrorThatSaysWhatToDo) {
  Log log(std::make_shared<NoSink>(), LogLevel::error);
  Server first(log);
  ASSERT_TRUE(first.open({"127.0.0.1:0"}));
  Server second(log);
  const auto opened = second.open({first.address()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), "metrics.listen " + first.address() +
                                ": Address already in use; choose another port, or stop what has "
                                "it (ss -ltnp shows it)");
}

}  // namespace

}  // namespace sekisho::metrics
