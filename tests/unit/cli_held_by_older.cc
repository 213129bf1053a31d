// A message that version 0.1 held, with its decision as JSON: it is taken from its file into an
// index that is lost, listed, shown and released as any other.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"
#include "quarantine/store.h"
#include "support/command_run.h"
#include "support/scripted_server.h"
#include "support/spool_store.h"

namespace sekisho::cli {
namespace {

using test::Ended;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string id = "RARZ-3YAR";

class HeldByOlder : public testing::Test {
 protected:
  HeldByOlder() {
    configure(1);
    fs::create_directory(path("store"));
    fs::copy_file(std::string(SEKISHO_TEST_DATA) + "/quarantine/" + id, path("store/" + id));
    // The daemon starts.
    quarantine::Options options;
    options.dir = path("store");
    auto store = quarantine::Store::open(options, quarantine::Access::owner, alarms_.sink());
    EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().why);
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void configure(int port) const {
    std::ofstream(path("conf"))
        << "[identity]\nhostname = \"mx.example.jp\"\n"
        << "[log]\ntarget = \"file:" << path("log") << "\"\n"
        << "[history]\ndir = \"\"\n[quarantine]\nwhere = \"store\"\ndir = \"" << path("store")
        << "\"\nkeep = \"365d\"\nrelease_via = \"smtp:127.0.0.1:" << port << "\"\n";
  }
  Ended run(std::vector<std::string> words) const {
    words.insert(words.begin(), "quarantine");
    words.insert(words.end(), {"--config", path("conf")});
    return test::run_command(folder_, std::move(words));
  }

  test::TemporaryFolder folder_;
  test::Alarms alarms_;
};

TEST_F(HeldByOlder, IsIndexedFromItsFile) {
  EXPECT_TRUE(alarms_.has("1 messages"));
  EXPECT_FALSE(alarms_.has("damaged"));
  EXPECT_EQ(run({"verify"}).code, ok);
}

TEST_F(HeldByOlder, IsListedAndShown) {
  const auto listed = run({"list"});
  EXPECT_EQ(listed.code, ok) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr(id));
  EXPECT_THAT(listed.out, HasSubstr("An older message"));
  const auto why = run({"show", id, "--why"});
  EXPECT_EQ(why.code, ok) << why.err;
  EXPECT_THAT(why.out, HasSubstr("quarantine.example"));
  EXPECT_THAT(why.out, HasSubstr("matched ip4:192.0.2.10 in record of a.example"));
  EXPECT_THAT(why.out, HasSubstr("p=quarantine"));
  const auto object = nlohmann::json::parse(run({"show", id, "--json"}).out);
  EXPECT_EQ(object.at("decision").at("verdict").at("rule"), "dmarc");
  EXPECT_EQ(object.at("state"), "held");
}

TEST_F(HeldByOlder, IsReleasedAsItCame) {
  test::ScriptedServer mta({"220 mx ESMTP\r\n", "250-mx\r\n250-8BITMIME\r\n250 DSN\r\n",
                            "250 2.0.0 Ok\r\n", "250 2.0.0 Ok\r\n", "250 2.0.0 Ok\r\n",
                            "354 go\r\n", "250 2.0.0 Ok: queued as X\r\n", "221 bye\r\n"});
  configure(mta.port());
  const auto ended = run({"release", id});
  EXPECT_EQ(ended.code, ok) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr(id + "  released: 250 2.0.0 Ok"));
  const auto heard = mta.heard();
  EXPECT_THAT(heard, HasSubstr("MAIL FROM:<bob@a.example> BODY=7BIT\r\n"));
  EXPECT_THAT(heard, HasSubstr("RCPT TO:<user@example.jp>"));
  EXPECT_THAT(heard, HasSubstr("RCPT TO:<two@example.jp>"));
  EXPECT_THAT(heard, HasSubstr("Subject: An older message\r\n"));
  EXPECT_THAT(heard, HasSubstr("Authentication-Results: mx.example.jp (id=RARZ-3YAR);"));
  EXPECT_THAT(heard, testing::Not(HasSubstr("Authentication-Results: mx.example.jp; dmarc=pass")))
      << "a forged field";
  EXPECT_FALSE(fs::exists(path("store/" + id)));
}

}  // namespace
}  // namespace sekisho::cli
