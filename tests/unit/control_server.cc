// The control socket: one request, one answer; whoever talks nonsense or nothing.
#include "control/server.h"

#include <cerrno>
#include <future>
#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/unix_socket.h"
#include "control/client.h"
#include "control/protocol.h"
#include "control/stream.h"
#include "support/few_descriptors.h"
#include "support/temporary_folder.h"

namespace sekisho::control {

namespace {

using nlohmann::json;

class NoSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return true; }
};

class ControlSocket : public testing::Test {
 protected:
  ControlSocket() : log_(std::make_shared<NoSink>(), LogLevel::error), server_(log_) {
    Options options;
    options.socket = path();
    const auto opened = server_.open(options);
    EXPECT_TRUE(opened) << opened.error();
    server_.run({{"status",
                  [](const json&) {
                    return json{{"ok", true}, {"pid", 1}};
                  }},
                 {"echo",
                  [](const json& request) {
                    return json{{"ok", true}, {"said", request}};
                  }},
                 {"odd",
                  [](const json&) {
                    return json{{"ok", "perhaps"}};
                  }},
                 {"octets",
                  [](const json&) {
                    return json{{"ok", true}, {"text", "\xff\xfe"}};
                  }},
                 {"bug", [](const json&) -> json { throw std::runtime_error("a bug"); }}},
                {{"slow", [this](const json&) {
                    slow_began_.set_value();
                    go_on_.get_future().wait();
                    return json{{"ok", true}, {"slow", true}};
                  }}});
  }
  std::string path() const { return folder_.file("control.sock"); }
  // What comes back for these octets.
  std::optional<std::string> raw(std::string_view octets, bool shut_down = true) {
    const auto connection = connect_unix(path());
    if (!connection) return std::nullopt;
    write_all(connection->get(), octets, std::chrono::seconds(5));
    if (shut_down) ::shutdown(connection->get(), SHUT_WR);
    return read_all(connection->get(), max_answer_octets, std::chrono::seconds(20));
  }

  test::TemporaryFolder folder_;
  std::promise<void> slow_began_;
  std::promise<void> go_on_;
  Log log_;
  Server server_;
};

TEST_F(ControlSocket, AnswersItsVerbs) {
  const auto status = ask(path(), {{"verb", "status"}});
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ((*status)["pid"], 1);
  const auto echo = ask(path(), {{"verb", "echo"}, {"id", "K7Q2-4DMX"}});
  ASSERT_TRUE(echo);
  EXPECT_EQ((*echo)["said"]["id"], "K7Q2-4DMX");
  const auto octets = ask(path(), {{"verb", "octets"}});
  EXPECT_TRUE(octets) << "what is no UTF-8 is replaced";
}

TEST_F(ControlSocket, RefusalsAreNotUnreachable) {
  const std::pair<const char*, const char*> cases[] = {{"nonsense", "unknown verb"},
                                                       {"bug", "a bug"}};
  for (const auto& [verb, why] : cases) {
    const auto answer = ask(path(), {{"verb", verb}});
    ASSERT_FALSE(answer) << verb;
    EXPECT_EQ(answer.error().what, why);
    EXPECT_FALSE(answer.error().unreachable);
  }
  EXPECT_FALSE(ask(path(), {{"verb", "odd"}})) << "its ok is no boolean";
}

TEST_F(ControlSocket, MalformedRequestsAreAnswered) {
  const std::string deep(60'000, '[');
  const std::string cases[] = {"",
                               "{",
                               "[]",
                               "null",
                               "7",
                               R"({"verb":1})",
                               R"({"verb":"status")",
                               R"({"verb":"status"}{"verb":"status"})",
                               R"({"Verb":"status"})",
                               std::string("\0\0\0", 3),
                               "\xff\xfe",
                               deep,
                               R"({"verb":")" + std::string(1000, 'x') + "\"}"};
  for (const auto& request : cases) {
    const auto answer = raw(request);
    ASSERT_TRUE(answer && !answer->empty()) << request.substr(0, 40);
    const auto object = json::parse(*answer, nullptr, false);
    ASSERT_TRUE(object.is_object());
    EXPECT_EQ(object["ok"], false) << request.substr(0, 40);
  }
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));
}

TEST_F(ControlSocket, ARequestThatIsTooLongGetsNoAnswer) {
  const auto answer = raw(std::string(max_request_octets + 1, ' '));
  EXPECT_TRUE(!answer || answer->empty());
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));
}

// Whoever comes after the silent ones is answered before their time is over.
TEST_F(ControlSocket, WhoSaysNothingDelaysNobodyAndIsHungUpOn) {
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 8; ++i) {
    auto connection = connect_unix(path());
    ASSERT_TRUE(connection);
    if (i % 2 == 1) write_all(connection->get(), "{", std::chrono::seconds(5));
    silent.push_back(std::move(*connection));
  }
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));
  for (const auto& each : silent) {
    char octet = 0;
    EXPECT_LT(::recv(each.get(), &octet, 1, MSG_DONTWAIT), 0) << "they are still connected";
    EXPECT_EQ(errno, EAGAIN);
  }
  for (const auto& each : silent) {
    char octet = 0;
    EXPECT_EQ(::recv(each.get(), &octet, 1, 0), 0) << "and hung up on, without an answer";
  }
}

// As many as there is room for, and one more: the oldest goes, and the one that asks is served.
TEST_F(ControlSocket, ManySilentOnesKeepNobodyOut) {
  std::vector<UniqueFd> silent;
  for (std::size_t i = 0; i < 2 * max_connections; ++i) {
    auto connection = connect_unix(path());
    ASSERT_TRUE(connection);
    silent.push_back(std::move(*connection));
  }
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));
  char octet = 0;
  EXPECT_EQ(::recv(silent.front().get(), &octet, 1, 0), 0);
}

// A reload that takes its time: the others are served meanwhile, and it is answered in the end.
TEST_F(ControlSocket, ASlowVerbHoldsUpNoQuickOne) {
  std::optional<Expected<json, AskError>> answer;
  std::thread slow([&] { answer = ask(path(), {{"verb", "slow"}}); });
  slow_began_.get_future().wait();
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));
  go_on_.set_value();
  slow.join();
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((**answer)["slow"], true);
}

TEST_F(ControlSocket, AClientThatGoesAwayHarmsNobody) {
  for (int i = 0; i < 50; ++i) {
    const auto connection = connect_unix(path());
    ASSERT_TRUE(connection);
    write_all(connection->get(), R"({"verb":"status"})", std::chrono::seconds(1));
  }
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));
}

// Whoever comes learns it at once, and whoever is connected is served as always.
TEST_F(ControlSocket, WithoutDescriptorsOneMoreIsTurnedAway) {
  const auto before = connect_unix(path());
  ASSERT_TRUE(before);
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));  // so it has been accepted
  {
    const test::FewDescriptors one_for_the_client(1);
    const auto late = connect_unix(path());
    ASSERT_TRUE(late);
    EXPECT_EQ(read_all(late->get(), max_answer_octets, std::chrono::seconds(20)), "");
    write_all(before->get(), R"({"verb":"status"})", std::chrono::seconds(5));
    ::shutdown(before->get(), SHUT_WR);
    const auto answer = read_all(before->get(), max_answer_octets, std::chrono::seconds(20));
    EXPECT_TRUE(answer && answer->find("\"ok\":true") != std::string::npos);
  }
  EXPECT_TRUE(ask(path(), {{"verb", "status"}}));
}

TEST_F(ControlSocket, ItsModeAndItsEnd) {
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
  server_.stop();
  EXPECT_NE(::stat(path().c_str(), &status), 0);
  server_.stop();
}

TEST(ControlClient, SaysWhenTheDaemonIsAbsent) {
  test::TemporaryFolder folder;
  const auto nowhere = ask(folder.file("none.sock"), {{"verb", "status"}});
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().unreachable);
  EXPECT_NE(nowhere.error().what.find("is sekishod running?"), std::string::npos);
  const auto stale = folder.file("stale.sock");
  listen_unix({stale, 0660, "", ""}).value();
  const auto refused = ask(stale, {{"verb", "status"}});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().unreachable);
}

}  // namespace

}  // namespace sekisho::control
