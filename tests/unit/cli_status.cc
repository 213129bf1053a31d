// `sekisho status` for a person: what it says, its width, and text that would steer a terminal.
#include "cli/status_text.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/configuration.h"
#include "cli/exit_code.h"
#include "support/command_run.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

json answer() {
  return json::parse(R"json({
    "version": "0.1.0", "pid": 4711, "uptime_s": 93784, "config": "/etc/sekisho/milter.conf",
    "digest": "00112233aabbccdd", "reload_refused": false, "metrics": "127.0.0.1:9464",
    "sessions": {"messages": 12, "open": 0},
    "verdicts": {"accept": 11, "reject": 1}, "monitored": {},
    "results": {"spf_mfrom": {"pass": 18446744073709551615, "fail": 18446744073709551614,
                              "softfail": 18446744073709551613, "temperror": 18446744073709551612},
                "dkim": {}, "dmarc": {"pass": 7, "fail": 2}},
    "times": {"decision": {"messages": 12, "mean_ms": 7.125, "half_within_ms": 5,
                           "99_percent_within_ms": null},
              "dns": {"messages": 0}},
    "resolver": {"servers": ["[2001:db8:0:1:2:3:4:5]:53", "[2001:db8:0:1:2:3:4:6]:53",
                             "[2001:db8:0:1:2:3:4:7]:53", "192.0.2.1:53"]},
    "lists": {"zen": {"kind": "dnsbl", "state": "healthy", "lookups": 12, "listed": 1, "failures": 0,
                      "not_counted": 0, "times_set_aside": 0},
              "names": {"kind": "rhsbl",
                        "state": "disabled: the list answers with an error code (127.255.255.254)",
                        "lookups": 18446744073709551615, "listed": 0}},
    "quarantine": {"open": true, "healthy": true, "held": 3},
    "history": {"recording": false},
    "log": {"lost": 0}})json");
}

TEST(Status, whatItSays) {
  EXPECT_EQ(status_text(answer()), R"(sekishod 0.1.0, process 4711, up 1d 02:03:04
configuration /etc/sekisho/milter.conf, digest 00112233aabbccdd
metrics at http://127.0.0.1:9464/metrics
sessions
  messages           12
  open               0
verdicts
  accept             11
  reject             1
results
  dkim               -
  dmarc              fail 2  pass 7
  spf_mfrom          fail 18446744073709551614  pass 18446744073709551615
                     softfail 18446744073709551613
                     temperror 18446744073709551612
times
  decision           half within 5 ms  99% longer than 21 s  mean 7.125 ms
  dns                -
resolver
  servers            [2001:db8:0:1:2:3:4:5]:53  [2001:db8:0:1:2:3:4:6]:53
                     [2001:db8:0:1:2:3:4:7]:53  192.0.2.1:53
lists
  names              rhsbl  disabled: the list answers with an error code
                     (127.255.255.254)  lookups 18446744073709551615  listed 0
  zen                dnsbl  healthy  lookups 12  listed 1
quarantine
  healthy            true
  held               3
  open               true
history
  recording          false
log
  lost               0
)");
}

TEST(Status, whatIsWrongComesFirst) {
  auto warned = answer();
  warned["warnings"] = {
      "THE DNS IS NOT ASKED: every answer comes from the file /a/very/long/name.zone; remove "
      "dns.zone_file, unless this is a laboratory"};
  const auto text = status_text(warned);
  const auto at = text.find("  WARNING ");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_EQ(text.find("THE DNS IS NOT ASKED: "), text.find_first_not_of(' ', at + 10));
  EXPECT_LT(at, text.find("sessions\n"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 79U) << line;
}

TEST(Status, everyLineFitsInEightyColumns) {
  std::istringstream lines(status_text(answer()));
  for (std::string line; std::getline(lines, line);) EXPECT_LT(line.size(), 80U) << line;
}

// The daemon tells what is wrong with its file; the command does not tell it a second time.
TEST(ControlSocketOf, aBrokenFileIsToldOnce) {
  const test::TemporaryFolder folder;
  std::ofstream(folder.file("conf")) << "[identity\n";
  {
    const test::Redirected err(2, folder.file("err"), O_WRONLY | O_CREAT | O_TRUNC);
    EXPECT_EQ(control_socket(folder.file("conf")).wrong.size(), 1U);
  }
  EXPECT_EQ(test::read_file(folder.file("err")), "");
  // With a socket that is named no file is read.
  const auto ended = test::run_command(
      folder, {"reload", "--socket", folder.file("none"), "-c", folder.file("conf")});
  EXPECT_EQ(ended.code, unavailable);
  EXPECT_THAT(ended.err, testing::Not(testing::HasSubstr("identity")));
}

TEST(Status, aRefusedReloadIsSaid) {
  json refused = answer();
  refused["reload_refused"] = true;
  EXPECT_NE(status_text(refused).find("the last reload was refused"), std::string::npos);
  EXPECT_EQ(status_text(answer()).find("refused"), std::string::npos);
}

// An older daemon, and one that is not ours.
TEST(Status, answersThatLackThings) {
  EXPECT_EQ(status_text(json::object()),
            "sekishod ?, process ?, up 0d 00:00:00\nconfiguration ?, digest ?\n");
}

TEST(Status, nothingSteersATerminal) {
  json evil = answer();
  evil["version"] = "\x1b[2J";
  evil["resolver"]["servers"] = json::array({"\x1b]0;x\x07"});
  evil["results"]["\x1b[31m"] = {{"\x1b[32m", 1}};
  for (const char c : status_text(evil)) EXPECT_TRUE(c == '\n' || c >= ' ') << int{c};
}

}  // namespace

}  // namespace sekisho::cli
