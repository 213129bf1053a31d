// saslauthd as a script says it.
#include "accounts/saslauthd.h"

#include <sys/socket.h>

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace

}  // namespace sekisho::accounts
