// Dovecot's authentication service as a script says it, and a real one.
#include "accounts/dovecot_auth.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/poll_until.h"
#include "base/unix_socket.h"
#include "support/temporary_folder.h"

namespace sekisho::accounts {

namespace {

using Code = LoginAnswer::Code;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr const char* hello =
    "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t7\nCUID\t1\nCOOKIE\tx\nDONE\n";

LoginAttempt attempt(const std::string& login, const std::string& password = "secret") {
  return {login, password, mail::IpAddress::parse("192.0.2.1").value(), "PLAIN"};
}

TEST(AccountsDovecotProtocol, ARequestHasTheLoginItsClientAndNoMore) {
  const auto line = DovecotConversation::request(7, attempt("alice"));
  EXPECT_EQ(*line, "AUTH\t7\tPLAIN\tservice=smtp\tsecured\tno-penalty\trip=192.0.2.1\tresp=" +
                       base64_encode(std::string("\0alice\0secret", 13)) + "\n");
  EXPECT_FALSE(DovecotConversation::request(7, attempt("")));
  EXPECT_FALSE(DovecotConversation::request(7, attempt(std::string("a\0b", 3))));
  EXPECT_FALSE(DovecotConversation::request(7, attempt("a", std::string("a\0b", 3))));
  EXPECT_FALSE(DovecotConversation::request(7, attempt("a", std::string(9000, 'a'))));
}

TEST(AccountsDovecotProtocol, AnswersAreReadInPiecesOfEverySize) {
  const std::string script = std::string(hello) +
                             "OK\t1\tuser=alice@example.jp\tx=y\nFAIL\t2\tuser=bob\n"
                             "FAIL\t3\tuser=bob\ttemp\nFAIL\t4\tcode=temp_fail\nCONT\t5\tabc=\n"
                             "OK\t6\nNEWS\t1\nFAIL\t8\treason=locked\001tout\n";
  for (std::size_t piece = 1; piece <= script.size(); piece += 3) {
    DovecotConversation dovecot;
    std::vector<DovecotConversation::Answer> all;
    for (std::size_t at = 0; at < script.size(); at += piece) {
      for (auto& answer : dovecot.take(std::string_view(script).substr(at, piece)))
        all.push_back(std::move(answer));
    }
    ASSERT_FALSE(dovecot.broken()) << *dovecot.broken();
    ASSERT_THAT(all, SizeIs(7));
    EXPECT_EQ(all[0].second.login, "alice@example.jp");
    const Code codes[] = {Code::accepted,    Code::wrong,       Code::unavailable,
                          Code::unavailable, Code::unavailable, Code::unavailable,
                          Code::wrong};
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].second.code, codes[i]) << i;
    EXPECT_THAT(all[6].second.reason, HasSubstr("locked"));
  }
}

TEST(AccountsDovecotProtocol, WhatIsNoDovecotIsBroken) {
  for (const std::string& said :
       {std::string("220 mx.example ESMTP\r\n"), std::string("\n"), std::string("OK\t1\tuser=a\n"),
        std::string("VERSION\t2\t0\n"), std::string("VERSION\n"), std::string("DONE\n"),
        std::string("VERSION\t1\t2\nDONE\n"), std::string("VERSION\t1\t2\nMECH\tGSSAPI\nDONE\n"),
        std::string(hello) + "OK\n", std::string(hello) + "OK\tx\tuser=a\n",
        std::string(hello) + "FAIL\t-1\n", std::string(hello) + "OK\t99999999999\tuser=a\n",
        std::string(9000, 'x')}) {
    DovecotConversation dovecot;
    EXPECT_THAT(dovecot.take(said), IsEmpty()) << said.substr(0, 40);
    EXPECT_TRUE(dovecot.broken()) << said.substr(0, 40);
    EXPECT_THAT(dovecot.take("OK\t1\tuser=alice\n"), IsEmpty());
  }
}

// A socket at which a test plays Dovecot.
class Listener {
 public:
  Listener() : fd_(*listen_unix({.path = path(), .owner = {}, .group = {}})) {}
  std::string path() const { return folder_.file("auth"); }
  // The next connection; a test without one fails after ten seconds.
  UniqueFd accept() const {
    if (poll_until(fd_.get(), POLLIN, steady_now() + 10s) != Polled::ready) return {};
    return UniqueFd(::accept(fd_.get(), nullptr, nullptr));
  }

 private:
  const test::TemporaryFolder folder_;
  UniqueFd fd_;
};

void say(const UniqueFd& fd, const std::string& text) {
  ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

// Reads until `lines` complete lines have come.
std::string hear(const UniqueFd& fd, int lines) {
  std::string text;
  while (std::count(text.begin(), text.end(), '\n') < lines) {
    char octet = 0;
    if (poll_until(fd.get(), POLLIN, steady_now() + 10s) != Polled::ready) break;
    if (::recv(fd.get(), &octet, 1, 0) != 1) break;
    text += octet;
  }
  return text;
}

std::future<LoginAnswer> ask(DovecotAuth& source, const LoginAttempt& attempt) {
  auto answer = std::make_shared<std::promise<LoginAnswer>>();
  source.check(attempt, [answer](LoginAnswer said) { answer->set_value(std::move(said)); });
  return answer->get_future();
}

TEST(AccountsDovecotAuth, OneConnectionCarriesManyLogins) {
  const Listener listener;
  DovecotAuth source(listener.path());
  auto first = ask(source, attempt("alice"));
  const auto fd = listener.accept();
  EXPECT_THAT(hear(fd, 2), HasSubstr("VERSION\t1\t1\nCPID\t"));
  auto second = ask(source, attempt("bob"));
  say(fd, hello);
  EXPECT_THAT(hear(fd, 2), HasSubstr("AUTH\t2\t"));
  say(fd, "FAIL\t2\tuser=bob\n");
  EXPECT_EQ(second.get().code, Code::wrong);
  say(fd, "OK\t1\tuser=alice@example.jp\n");
  EXPECT_EQ(first.get().login, "alice@example.jp");
  auto third = ask(source, attempt("carol"));
  EXPECT_THAT(hear(fd, 1), HasSubstr("AUTH\t3\t"));
  say(fd, "OK\t1\tuser=again\nOK\t3\tuser=carol\n");
  EXPECT_EQ(third.get().login, "carol");
}

TEST(AccountsDovecotAuth, AServiceThatGoesAwayIsUnavailableAndMetAgain) {
  const Listener listener;
  DovecotAuth source(listener.path());
  auto first = ask(source, attempt("alice"));
  {
    const auto fd = listener.accept();
    say(fd, hello);
    hear(fd, 3);
  }
  const auto gone = first.get();
  EXPECT_EQ(gone.code, Code::unavailable);
  EXPECT_THAT(gone.reason, HasSubstr(listener.path()));
  auto second = ask(source, attempt("alice"));
  const auto fd = listener.accept();
  say(fd, std::string(hello) + "NONSENSE\n");
  hear(fd, 3);
  say(fd, "OK\t2\tuser=alice\n");
  EXPECT_EQ(second.get().code, Code::accepted);
}

TEST(AccountsDovecotAuth, ASocketThatIsAwaySilenceAndGarbageAreUnavailable) {
  const Listener listener;
  DovecotAuth nowhere("/nowhere/auth");
  EXPECT_THAT(ask(nowhere, attempt("alice")).get().reason, HasSubstr("cannot connect"));
  DovecotAuth source(listener.path(), 50ms);
  const auto silent = ask(source, attempt("alice")).get();
  EXPECT_EQ(silent.code, Code::unavailable);
  EXPECT_THAT(silent.reason, HasSubstr("no answer"));
  DovecotAuth other(listener.path());
  const auto old = listener.accept();
  auto answer = ask(other, attempt("alice"));
  const auto fd = listener.accept();
  say(fd, "220 mx.example ESMTP\r\n");
  EXPECT_THAT(answer.get().reason, HasSubstr("VERSION"));
}

TEST(AccountsDovecotAuth, OneAnswerThatIsMissingHarmsNobodyElse) {
  const Listener listener;
  DovecotAuth source(listener.path(), 2s);
  auto slow = ask(source, attempt("slow"));
  const auto fd = listener.accept();
  say(fd, hello);
  hear(fd, 3);
  for (unsigned id = 2; slow.wait_for(0s) != std::future_status::ready; ++id) {
    auto other = ask(source, attempt("other"));
    ASSERT_THAT(hear(fd, 1), HasSubstr("AUTH\t" + std::to_string(id) + "\t"));
    say(fd, "OK\t" + std::to_string(id) + "\tuser=other\n");
    ASSERT_EQ(other.get().code, Code::accepted);
  }
  EXPECT_EQ(slow.get().code, Code::unavailable);
}

TEST(AccountsDovecotAuth, WhoWaitsAtTheEndIsTold) {
  const Listener listener;
  std::future<LoginAnswer> answer;
  {
    DovecotAuth source(listener.path());
    answer = ask(source, attempt("alice"));
  }
  EXPECT_EQ(answer.get().code, Code::unavailable);
}

// A real Dovecot with a file of passwords. Only root can start one.
class RealDovecot {
 public:
  RealDovecot() {
    std::ofstream(file("users"))
        << "alice@example.jp:{PLAIN}secret\nlocked:{PLAIN}x::::::nologin\n";
    std::ofstream(file("conf")) << "base_dir = " << file("run") << "\nstate_dir = " << file("state")
                                << "\nlog_path = " << file("log")
                                << "\nprotocols =\nssl = no\nlisten = 127.0.0.1\n"
                                << "auth_failure_delay = 0\npassdb {\n  driver = passwd-file\n"
                                << "  args = " << file("users") << "\n}\nuserdb {\n"
                                << "  driver = static\n  args = uid=65534 gid=65534\n}\n"
                                << "service auth {\n  user = root\n  unix_listener " << socket()
                                << " {\n    mode = 0666\n  }\n}\n";
    process_ = ::fork();
    if (process_ == 0) {
      const std::string conf = file("conf");
      ::execlp("dovecot", "dovecot", "-F", "-c", conf.c_str(), nullptr);
      ::_exit(127);
    }
  }
  RealDovecot(const RealDovecot&) = delete;
  RealDovecot& operator=(const RealDovecot&) = delete;
  ~RealDovecot() {
    if (process_ <= 0) return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }
  std::string socket() const { return file("auth-client"); }
  // Whether it serves before the time is up.
  bool serves() {
    for (const auto end = steady_now() + 30s; steady_now() < end;) {
      if (auto fd = connect_unix(socket()); fd && !hear(*fd, 1).empty()) return true;
      if (::waitpid(process_, nullptr, WNOHANG) != 0) {
        process_ = -1;
        return false;
      }
      ::poll(nullptr, 0, 20);  // a socket that appears is no event
    }
    return false;
  }
  std::string log() const {
    std::ifstream log(file("log"));
    return {std::istreambuf_iterator<char>(log), {}};
  }

 private:
  std::string file(const std::string& name) const { return folder_.file(name); }
  const test::TemporaryFolder folder_;
  pid_t process_ = -1;
};

TEST(AccountsDovecotAuth, ARealDovecotIsUnderstood) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start a Dovecot";
  RealDovecot dovecot;
  ASSERT_TRUE(dovecot.serves()) << dovecot.log();
  DovecotAuth source(dovecot.socket());
  const auto right = ask(source, attempt("alice@example.jp")).get();
  EXPECT_EQ(right.code, Code::accepted) << right.reason << dovecot.log();
  EXPECT_EQ(right.login, "alice@example.jp");
  EXPECT_EQ(ask(source, attempt("alice@example.jp", "wrong")).get().code, Code::wrong);
  EXPECT_EQ(ask(source, attempt("mallory")).get().code, Code::wrong);
  EXPECT_EQ(ask(source, attempt("tab\tand\nline")).get().code, Code::wrong);
  // Its own delays for an address that guesses must not reach the others.
  std::vector<std::future<LoginAnswer>> guesses;
  for (int i = 0; i < 20; ++i) guesses.push_back(ask(source, attempt("alice@example.jp", "guess")));
  for (auto& guess : guesses) EXPECT_EQ(guess.get().code, Code::wrong);
  EXPECT_EQ(ask(source, attempt("alice@example.jp")).get().code, Code::accepted);
}

}  // namespace

}  // namespace sekisho::accounts
