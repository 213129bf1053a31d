// `sekisho queue …` as it is typed: with a daemon, and on the rows without one.
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/server.h"
#include "queue/control.h"
#include "relay/results.h"
#include "support/command_run.h"
#include "support/queue_place.h"

namespace sekisho::cli {
namespace {

using queue::Runner;
using test::Ended;
using test::QueuePlace;
using testing::HasSubstr;
using testing::Not;

using Code = relay::Result::Code;

class CliQueue : public testing::Test {
 protected:
  CliQueue() {
    std::ofstream(file("conf")) << "[identity]\nhostname = \"mail.example.jp\"\n"
                                << "domains = [\"example.jp\"]\n"
                                << "[[listener]]\nprofile = \"mx\"\n"
                                << "address = [\"127.0.0.1:2525\"]\n"
                                << "[queue]\ndir = \"" << file("queue") << "\"\n"
                                << "[control]\nsocket = \"" << file("control") << "\"\n"
                                << "[log]\ntarget = \"file:" << file("log") << "\"\n";
    place_.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}));
    place_.put(QueuePlace::message("K7Q2-4DMY", {"eve@example.org", "carol@example.org"}));
  }
  std::string file(const std::string& name) const { return place_.folder.file(name); }
  Ended run(std::vector<std::string> words, const std::string& input = "") const {
    words.insert(words.begin(), "queue");
    words.insert(words.end(), {"--config", file("conf")});
    return test::run_command(place_.folder, std::move(words), input);
  }
  void daemon() {
    place_.start();
    ASSERT_TRUE(server_.open({file("control"), ""}));
    server_.run({}, {{"queue", [this](const nlohmann::json& request) {
                        return queue::answer(*place_.runner, request);
                      }}});
  }
  queue::State state(const std::string& id) {
    const auto found = place_.find(id);
    return found ? found->recipients.at(0).progress.state : queue::State::deleted;
  }
  ~CliQueue() override { server_.stop(); }

  QueuePlace place_{[](const auto&) {
    return test::result(Code::own_fault, "4.7.8", "535 5.7.8 bad password",
                        "route:[relay.example]:587");
  }};
  control::Server server_{place_.log};
};

TEST_F(CliQueue, ListShowAndStatsWithoutADaemon) {
  place_.close();
  auto ended = run({"list"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("K7Q2-4DMX"));
  EXPECT_THAT(ended.out, HasSubstr("<bob@example.net>  waiting until "));
  EXPECT_THAT(ended.out, HasSubstr("not tried yet"));
  ended = run({"list", "--json"});
  const auto first = nlohmann::json::parse(ended.out.substr(0, ended.out.find('\n')));
  EXPECT_EQ(first["id"], "K7Q2-4DMX");
  EXPECT_EQ(first["from"], "alice@sender.example");
  EXPECT_EQ(first["recipients"][0]["state"], "waiting");
  EXPECT_TRUE(first["recipients"][0]["next"].is_string());
  ended = run({"show", "K7Q2-4DMY"});
  EXPECT_THAT(ended.out, HasSubstr("to:        <carol@example.org>"));
  EXPECT_EQ(run({"show", "ABCD-EFGH"}).code, 66);
  ended = run({"stats", "--json"});
  const auto stats = nlohmann::json::parse(ended.out);
  EXPECT_EQ(stats["messages"], 2);
  EXPECT_EQ(stats["recipients"]["waiting none"], 3);
}

TEST_F(CliQueue, ActsOnTheRowsWithoutADaemon) {
  place_.close();
  EXPECT_THAT(run({"hold", "K7Q2-4DMX"}).out, HasSubstr("K7Q2-4DMX  held"));
  EXPECT_THAT(run({"list"}).out, HasSubstr("<bob@example.net>  held, person"));
  EXPECT_THAT(run({"release", "K7Q2-4DMX"}).out, HasSubstr("released"));
  EXPECT_THAT(run({"delete", "K7Q2-4DMY"}).out, HasSubstr("deleted"));
  EXPECT_THAT(run({"requeue", "K7Q2-4DMX"}).out, HasSubstr("queued anew"));
  const auto flushed = run({"flush"});
  EXPECT_EQ(flushed.code, 69);
  EXPECT_THAT(flushed.err, HasSubstr("only it can send"));
  EXPECT_EQ(run({"hold", "ABCD-EFGH"}).code, 66);
  place_.open();
  EXPECT_EQ(state("K7Q2-4DMX"), queue::State::waiting);
  EXPECT_EQ(state("K7Q2-4DMY"), queue::State::deleted);
}

// A script's empty variable is no "all".
TEST_F(CliQueue, AnEmptyIdNamesNothing) {
  place_.close();
  for (const char* verb : {"hold", "release", "requeue", "flush", "delete"}) {
    for (const auto& words : {std::vector<std::string>{verb, ""}, {verb, " "}, {verb, "-"}}) {
      const auto ended = run(words);
      EXPECT_EQ(ended.code, 64) << verb;
      EXPECT_THAT(ended.err, HasSubstr("no id is named")) << verb;
    }
  }
  EXPECT_EQ(run({"delete", "-y", ""}).code, 64);
  EXPECT_EQ(run({"hold"}).code, 64);
  place_.open();
  EXPECT_EQ(state("K7Q2-4DMX"), queue::State::waiting);
  EXPECT_EQ(state("K7Q2-4DMY"), queue::State::waiting);
}

TEST_F(CliQueue, IdsComeFromStandardInput) {
  place_.close();
  const auto ended = run({"hold", "-"}, "K7Q2-4DMX\nK7Q2-4DMY\n");
  EXPECT_EQ(ended.code, 0) << ended.err;
  place_.open();
  EXPECT_EQ(state("K7Q2-4DMX"), queue::State::held);
  EXPECT_EQ(state("K7Q2-4DMY"), queue::State::held);
}

TEST_F(CliQueue, AllIsDeletedWhenItIsMeant) {
  place_.close();
  const auto ended = run({"delete", "ALL", "-y"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(run({"list"}).out, HasSubstr("nothing waits"));
}

// "relay refuses our password since 14:02, next try 15:05".
TEST_F(CliQueue, ShowSaysSinceWhenAndWhenItIsTriedNext) {
  daemon();
  ASSERT_TRUE(place_.lines.wait("K7Q2-4DMX: to=<bob@example.net>"));
  auto ended = run({"show", "K7Q2-4DMX"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("why:       fault: 535 5.7.8 bad password"));
  EXPECT_THAT(ended.out, HasSubstr("since:     2"));
  EXPECT_THAT(ended.out, HasSubstr("next:      2"));
  EXPECT_THAT(ended.out, HasSubstr("dialogue:\n  C: MAIL FROM"));
  EXPECT_THAT(run({"list"}).out, HasSubstr(", next try 2"));
  ended = run({"show", "K7Q2-4DMX", "--json"});
  const auto one = nlohmann::json::parse(ended.out)["recipients"][0];
  EXPECT_EQ(one["state"], "held");
  EXPECT_TRUE(one["next"].is_string());
  EXPECT_TRUE(one["since"].is_string());
}

TEST_F(CliQueue, ADaemonObeys) {
  daemon();
  ASSERT_TRUE(place_.lines.wait("K7Q2-4DMX: to=<bob@example.net>"));
  EXPECT_THAT(run({"hold", "K7Q2-4DMX"}).out, HasSubstr("K7Q2-4DMX  held"));
  EXPECT_EQ(place_.find("K7Q2-4DMX")->recipients[0].progress.reason, queue::Reason::person);
  place_.transport.answer([](const auto&) { return test::sent(); });
  EXPECT_THAT(run({"flush"}).out, HasSubstr("K7Q2-4DMY  tried now"));
  EXPECT_TRUE(place_.lines.wait("K7Q2-4DMY: removed"));
  EXPECT_THAT(run({"release", "K7Q2-4DMX"}).out, HasSubstr("released"));
  EXPECT_TRUE(place_.lines.wait("K7Q2-4DMX: removed"));
  EXPECT_EQ(run({"release", "K7Q2-4DMX"}).code, 66);
}

}  // namespace
}  // namespace sekisho::cli
