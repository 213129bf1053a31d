// Accepting, also when there are no descriptors.
#include "net/acceptor.h"

#include <sys/socket.h>

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "base/unix_socket.h"
#include "support/few_descriptors.h"
#include "support/temporary_folder.h"

namespace sekisho::net {

namespace {

class KeepingSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) const override {
    lines.emplace_back(line);
    return true;
  }
  mutable std::vector<std::string> lines;
};

class AcceptorTest : public testing::Test {
 protected:
  std::string path() const { return folder_.file("x.sock"); }
  UniqueFd client() const { return connect_unix(path()).value(); }

  test::TemporaryFolder folder_;
  std::shared_ptr<KeepingSink> sink_ = std::make_shared<KeepingSink>();
  Log log_{sink_, LogLevel::warning};
  Acceptor acceptor_{listen_unix({path(), 0600, "", ""}).value(), "front", log_};
};

bool ended(const UniqueFd& client) {
  char octet = 0;
  return ::recv(client.get(), &octet, 1, MSG_DONTWAIT) == 0;
}

TEST_F(AcceptorTest, OneAfterTheOther) {
  EXPECT_FALSE(acceptor_.accept().fd);
  const auto first = client();
  const auto second = client();
  const auto one = acceptor_.accept();
  const auto other = acceptor_.accept();
  EXPECT_TRUE(one.fd && other.fd);
  EXPECT_FALSE(one.pause || other.pause);
  const auto nobody = acceptor_.accept();
  EXPECT_FALSE(nobody.fd || nobody.pause);
  EXPECT_TRUE(sink_->lines.empty());
}

TEST_F(AcceptorTest, WithoutDescriptorsEachIsTurnedAway) {
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(client());
  {
    const test::FewDescriptors none(0);
    // One for each call, so that the owner's other work is not held up by a flood.
    for (const auto& each : clients) {
      const auto accepted = acceptor_.accept();
      EXPECT_FALSE(accepted.fd);
      EXPECT_FALSE(accepted.pause);
      EXPECT_TRUE(ended(each));
    }
    const auto accepted = acceptor_.accept();
    EXPECT_FALSE(accepted.fd);
    EXPECT_TRUE(accepted.pause) << "there is no telling whether somebody waits";
  }
  for (const auto& each : clients) EXPECT_TRUE(ended(each));
  ASSERT_EQ(sink_->lines.size(), 1U) << "however many they are";
  EXPECT_EQ(sink_->lines.front(),
            "front: no file descriptors left; connections are turned away (raise LimitNOFILE)");
  const auto later = client();
  EXPECT_TRUE(acceptor_.accept().fd);
}

// Another thread may have been quicker to take what the reserve left.
TEST(AcceptorReserve, WithoutOneItIsTakenWhenThereIsRoom) {
  test::TemporaryFolder folder;
  const auto path = folder.file("x.sock");
  const auto sink = std::make_shared<KeepingSink>();
  Log log(sink, LogLevel::error);
  auto listening = listen_unix({path, 0600, "", ""}).value();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect_unix(path).value());
  std::optional<Acceptor> acceptor;
  {
    const test::FewDescriptors none(0);
    acceptor.emplace(std::move(listening), "front", log);
    EXPECT_TRUE(acceptor->accept().pause);
    EXPECT_FALSE(ended(clients.front())) << "nothing to turn it away with";
  }
  const auto accepted = acceptor->accept();
  EXPECT_TRUE(accepted.fd);
  const test::FewDescriptors none(0);
  EXPECT_FALSE(acceptor->accept().fd);
  EXPECT_TRUE(ended(clients[1]));
}

TEST(AcceptorErrors, WhatIsNoListeningSocketIsTriedAgainLater) {
  Log log(std::make_shared<KeepingSink>(), LogLevel::error);
  Acceptor acceptor(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), "front", log);
  const auto accepted = acceptor.accept();
  EXPECT_FALSE(accepted.fd);
  EXPECT_TRUE(accepted.pause);
}

}  // namespace

}  // namespace sekisho::net
