// tests/support/history_command.h: the fixture of tests of the commands that read the history:
// decisions that the engine made by a small configuration and that the recorder wrote. Thread: one
// owner.
#pragma once

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/dump.h"
#include "config/load.h"
#include "history/recorder.h"
#include "setup/snapshot.h"
#include "support/command_run.h"
#include "support/session_gate.h"

namespace sekisho::test {

inline constexpr const char* history_configuration = R"([identity]
authserv_id = "mx.example.jp"
domains = ["example.jp"]
[dns]
zone_file = "zone"
[dmarc]
reject = "corroborated"
[[policy]]
to = ["strict@example.jp"]
dmarc.reject = "always"
[allowlist]
files = ["allow"]
[denylist]
files = []
[history]
dir = "history"
)";

inline Letter from(std::string mail_from, std::string author) {
  Letter letter;
  letter.mail_from = std::move(mail_from);
  letter.fields = {{"From", " " + author}, {"Subject", " Invoice of May"}};
  return letter;
}

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    write("zone", R"(
mx.a.example.        A    192.0.2.10
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
b.example.           TXT  "v=spf1 ip4:198.51.100.1 -all"
10.2.0.192.zen.test. A    127.0.0.4
)");
    write("allow", "from:c.example proof=dmarc dmarc=accept\n");
    write("conf", history_configuration);
    write("strict.conf", std::string(history_configuration) + "[spf]\nfail = \"reject\"\n");
    auto loaded = config::load_file(path("conf"));
    EXPECT_TRUE(loaded);
    snapshot_ = setup::make_snapshot(loaded->settings, loaded->digest).value();
    recorder_ = std::make_unique<history::Recorder>(loaded->settings.history, log_);
    recorder_->start();
    history::Configuration recorded{loaded->digest, config::dump(loaded->settings), {}};
    for (const auto& [key, place] : loaded->places) recorded.places.emplace(key, place.text());
    recorder_->add(std::move(recorded));
    gate_ = std::make_unique<Gate>(*snapshot_);
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  // From now on another configuration decides.
  void configure(const std::string& text) {
    write("conf", text);
    const auto loaded = config::load_file(path("conf"));
    ASSERT_TRUE(loaded) << loaded.error().front().text();
    snapshot_ = setup::make_snapshot(loaded->settings, loaded->digest).value();
    recorder_->add(history::Configuration{loaded->digest, config::dump(loaded->settings), {}});
    gate_ = std::make_unique<Gate>(*snapshot_);
  }
  // The id of the decision on a client who is refused at RCPT and leaves.
  std::string refuse(const std::vector<std::string>& recipients) {
    const auto session = gate_->session();
    const Letter letter;
    greet(*session, letter);
    session->mail_from({letter.mail_from, false});
    for (const auto& to : recipients) session->rcpt_to({to}, [](const session::Step&) {});
    session->abort();
    const auto decided = gate_->recorder().decisions().back();
    EXPECT_TRUE(decided->inputs.at_rcpt);
    recorder_->add(decided);
    EXPECT_TRUE(recorder_->flush(std::chrono::seconds(10)));
    return decided->outcome.facts.id;
  }
  // The id of the decision.
  std::string judge(const Letter& letter) {
    const auto outcome = gate_->judge(letter);
    recorder_->add(gate_->recorder().decisions().back());
    EXPECT_TRUE(recorder_->flush(std::chrono::seconds(10)));
    return outcome.facts.id;
  }
  Ended run(std::vector<std::string> words, const std::string& input = "") const {
    words.insert(words.end(), {"-c", path("conf")});
    return run_command(folder_, std::move(words), input);
  }

  TemporaryFolder folder_;
  Log log_{LogOptions{LogOptions::Target::stderr_stream, ""}};
  std::shared_ptr<const session::Snapshot> snapshot_;
  std::unique_ptr<history::Recorder> recorder_;
  std::unique_ptr<Gate> gate_;
};

}  // namespace sekisho::test
