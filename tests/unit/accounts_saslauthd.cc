// saslauthd as a script says it, and a real one.
#include "accounts/saslauthd.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/guarded.h"
#include "base/inet_socket.h"
#include "base/poll_until.h"
#include "base/unix_socket.h"
#include "support/temporary_folder.h"

namespace sekisho::accounts {

namespace {

using Code = LoginAnswer::Code;
using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(AccountsSaslauthd, ARequestIsFourTextsWithTheirLengths) {
  EXPECT_EQ(*Saslauthd::request({"al", "pw\xff", {}, "PLAIN"}),
            std::string("\0\2al\0\3pw\xff\0\4smtp\0\0", 17));
  EXPECT_FALSE(Saslauthd::request({"", "x", {}, ""}));
  EXPECT_FALSE(Saslauthd::request({"x", "", {}, ""}));
  EXPECT_FALSE(Saslauthd::request({std::string("a\0b", 3), "x", {}, ""}));
  EXPECT_FALSE(Saslauthd::request({"a", std::string(65536, 'x'), {}, ""}));
  EXPECT_EQ(Saslauthd::request({"a", std::string(65535, 'x'), {}, ""})->size(), 65535U + 2 * 4 + 5);
}

TEST(AccountsSaslauthd, AnswersAreReadAsItWritesThem) {
  const auto code = [](const std::string& text) { return Saslauthd::answer(text, "alice").code; };
  EXPECT_EQ(code("OK"), Code::accepted);
  EXPECT_EQ(code("OK (cached)"), Code::accepted);
  EXPECT_EQ(code(std::string("OK\0", 3)), Code::accepted);
  EXPECT_EQ(code("NO"), Code::wrong);
  EXPECT_EQ(code("NO PAM auth error"), Code::wrong);
  EXPECT_EQ(code("NO saslauthd internal error"), Code::unavailable);
  EXPECT_EQ(code("NO PAM start error"), Code::unavailable);
  EXPECT_EQ(code("NO [ALERT] Couldn't contact remote authentication server"), Code::unavailable);
  EXPECT_EQ(code(""), Code::unavailable);
  EXPECT_EQ(code("OKAY"), Code::unavailable);
  EXPECT_EQ(code("ok"), Code::unavailable);
  EXPECT_EQ(Saslauthd::answer("OK", "alice").login, "alice");
}

class SaslauthdSocket : public testing::Test {
 protected:
  SaslauthdSocket()
      : listener_(*listen_unix({.path = folder_.file("mux"), .owner = {}, .group = {}})) {}
  // What `says` makes of it; "" closes at once.
  LoginAnswer answer_to(const std::string& says, bool silent = false,
                        std::chrono::milliseconds patience = 10s) {
    Saslauthd source(folder_.file("mux"), patience);
    std::promise<LoginAnswer> answer;
    source.check({"alice", "secret", {}, "PLAIN"},
                 [&](LoginAnswer said) { answer.set_value(std::move(said)); });
    EXPECT_EQ(poll_until(listener_.get(), POLLIN, steady_now() + 10s), Polled::ready);
    UniqueFd fd(::accept(listener_.get(), nullptr, nullptr));
    char octets[64];
    EXPECT_EQ(::recv(fd.get(), octets, 23, MSG_WAITALL), 23);
    for (const char octet : says) ::send(fd.get(), &octet, 1, MSG_NOSIGNAL);
    if (!silent) fd.reset();
    return answer.get_future().get();
  }
  const test::TemporaryFolder folder_;
  const UniqueFd listener_;
};

TEST_F(SaslauthdSocket, OneConnectionIsOneLogin) {
  EXPECT_EQ(answer_to(std::string("\0\2OK", 4)).code, Code::accepted);
  EXPECT_EQ(answer_to(std::string("\0\2NO", 4)).code, Code::wrong);
}

TEST_F(SaslauthdSocket, WhatIsNoAnswerIsNoWrongPassword) {
  for (const auto& says : {std::string(), std::string("\0", 1), std::string("\0\2O", 3),
                           std::string("\0\0", 2), std::string("\xff\xff", 2) + "OK"}) {
    const auto answer = answer_to(says);
    EXPECT_EQ(answer.code, Code::unavailable);
    EXPECT_THAT(answer.reason, HasSubstr("mux"));
  }
  EXPECT_EQ(answer_to(std::string("\0\2O", 3), true, 50ms).code, Code::unavailable);
}

TEST_F(SaslauthdSocket, ASocketThatIsAwayIsUnavailable) {
  Saslauthd source("/nowhere/mux");
  std::promise<LoginAnswer> answer;
  source.check({"alice", "secret", {}, "PLAIN"},
               [&](LoginAnswer said) { answer.set_value(std::move(said)); });
  const auto said = answer.get_future().get();
  EXPECT_EQ(said.code, Code::unavailable);
  EXPECT_THAT(said.reason, HasSubstr("cannot connect"));
}

// A real saslauthd asks an IMAP server, which is this one: one thread, one login at a time. The
// password of everybody is "secret".
class ImapServer {
 public:
  ImapServer()
      : listener_(*listen_inet({"127.0.0.1", 0}, 5)),
        port_(port_of(listener_.get())),
        thread_([this] { serve(); }) {}
  ImapServer(const ImapServer&) = delete;
  ImapServer& operator=(const ImapServer&) = delete;
  ~ImapServer() { stop(); }
  // Nobody answers from now on.
  void stop() {
    if (!thread_.joinable()) return;
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    listener_.reset();
  }
  std::uint16_t port() const { return port_; }
  std::string heard() const {
    return heard_.with([](const std::string& text) { return text; });
  }

 private:
  static std::string line_from(int fd) {
    std::string line;
    char octet = 0;
    while (!line.ends_with('\n') && ::recv(fd, &octet, 1, 0) == 1) line += octet;
    return line;
  }
  static void say(int fd, const std::string& line) {
    ::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
  }
  void serve() {
    for (;;) {
      poll_until(listener_.get(), POLLIN, steady_now() + 60s);
      const UniqueFd fd(::accept(listener_.get(), nullptr, nullptr));
      if (!fd) return;
      say(fd.get(), "* OK ready\r\n");
      const auto line = line_from(fd.get());
      heard_.with([&](std::string& text) { text = line; });
      const bool right = line.find(" \"secret\"") != std::string::npos;
      say(fd.get(), line.substr(0, line.find(' ')) + (right ? " OK done\r\n" : " NO wrong\r\n"));
      line_from(fd.get());  // LOGOUT
    }
  }
  UniqueFd listener_;
  const std::uint16_t port_;
  Guarded<std::string> heard_;
  std::thread thread_;
};

class RealSaslauthd {
 public:
  // tests/deps/install unpacks it there.
  static constexpr const char* program = "/var/cache/sekisho-lab/root/usr/sbin/saslauthd";

  explicit RealSaslauthd(std::uint16_t port) {
    const std::string server = "127.0.0.1/" + std::to_string(port);
    const std::string folder = folder_.file(".");
    process_ = ::fork();
    if (process_ == 0) {
      ::setpgid(0, 0);
      ::execl(program, program, "-a", "rimap", "-O", server.c_str(), "-m", folder.c_str(), "-n",
              "1", "-d", nullptr);
      ::_exit(127);
    }
  }
  RealSaslauthd(const RealSaslauthd&) = delete;
  RealSaslauthd& operator=(const RealSaslauthd&) = delete;
  ~RealSaslauthd() {
    if (process_ <= 0) return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }
  std::string socket() const { return folder_.file("mux"); }
  // Whether it serves before the time is up.
  bool serves() {
    for (const auto end = steady_now() + 30s; steady_now() < end;) {
      if (connect_unix(socket())) return true;
      if (::waitpid(process_, nullptr, WNOHANG) != 0) {
        process_ = -1;
        return false;
      }
      ::poll(nullptr, 0, 20);  // a socket that appears is no event
    }
    return false;
  }

 private:
  const test::TemporaryFolder folder_;
  pid_t process_ = -1;
};

TEST(AccountsSaslauthd, ARealOneIsUnderstood) {
  ASSERT_EQ(::access(RealSaslauthd::program, X_OK), 0)
      << RealSaslauthd::program << ": tests/deps/install unpacks it (sasl2-bin)";
  ImapServer imap;
  RealSaslauthd saslauthd(imap.port());
  ASSERT_TRUE(saslauthd.serves());
  Saslauthd source(saslauthd.socket());
  const auto ask = [&](const std::string& login, const std::string& password) {
    std::promise<LoginAnswer> answer;
    source.check({login, password, {}, "PLAIN"},
                 [&](LoginAnswer said) { answer.set_value(std::move(said)); });
    return answer.get_future().get();
  };
  const auto right = ask("alice@example.jp", "secret");
  EXPECT_EQ(right.code, Code::accepted) << right.reason;
  EXPECT_EQ(right.login, "alice@example.jp");
  EXPECT_THAT(imap.heard(), HasSubstr(" LOGIN \"alice@example.jp\" \"secret\"\r\n"));
  EXPECT_EQ(ask("alice@example.jp", "wrong").code, Code::wrong);
  EXPECT_EQ(ask("al\"ice \\x", "p\"w \xff").code, Code::wrong);
  imap.stop();
  EXPECT_EQ(ask("alice@example.jp", "secret").code, Code::unavailable)
      << "nobody's password is wrong because a server is away";
}

}  // namespace

}  // namespace sekisho::accounts
