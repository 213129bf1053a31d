// `sekisho session`: what a script is told by the daemon's own conversation, and where its messages
// would go.
#include "cli/session.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"
#include "support/command_run.h"

namespace sekisho::cli {
namespace {

using nlohmann::json;
using test::Ended;
using testing::HasSubstr;
using testing::Not;

constexpr const char* zone = R"(
10.2.0.192.in-addr.arpa.  PTR  mx.a.example.
mx.a.example.             A    192.0.2.10
a.example.                MX   10 mx.a.example.
a.example.                TXT  "v=spf1 ip4:192.0.2.10 -all"
strict.example.           MX   10 mx.strict.example.
strict.example.           TXT  "v=spf1 -all"
_dmarc.strict.example.    TXT  "v=DMARC1; p=reject"
)";

constexpr const char* conf = R"(
[identity]
hostname = "mx.example.jp"
origin = "example.jp"
domains = ["example.jp"]
[dns]
zone_file = "zone"
[dmarc]
reject = "always"
[tls]
certificate = "/none/cert.pem"
key = "/none/key.pem"
[users]
source = "file:users"
senders = "file:senders"
[aliases]
files = ["aliases"]
srs_secret_file = "srs"
[queue]
dir = "queue"
[[listener]]
profile = "mx"
address = ["127.0.0.1:2525"]
[[listener]]
profile = "submission"
address = ["127.0.0.1:2587"]
[[route]]
domain = ["example.jp"]
via = "maildir:/var/mail/{domain}/{user}"
recipients = "file:recipients"
)";

class FakeSession : public testing::Test {
 protected:
  FakeSession() {
    write("zone", zone);
    write("recipients", "alice@example.jp\nteam@example.jp\n");
    write("users", "");
    std::filesystem::permissions(folder_.file("users"), std::filesystem::perms::owner_read);
    write("senders", "alice@example.jp: sales@example.jp\n");
    write("aliases", "team: alice, far@elsewhere.example\n");
    write("srs", "a secret for tests\n");
    const auto here = folder_.file("");
    std::string text = conf;
    for (const char* name : {"users", "senders", "recipients"})
      replace(text, std::string("file:") + name, "file:" + here + name);
    for (const char* name : {"\"aliases\"", "\"srs\"", "\"queue\"", "\"zone\""})
      replace(text, name, "\"" + here + std::string(name + 1));
    write("conf", text);
  }
  static void replace(std::string& text, const std::string& what, const std::string& by) {
    const auto at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    text.replace(at, what.size(), by);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.file(name), std::ios::binary) << text;
  }
  Ended play(std::vector<std::string> words, const std::string& script) const {
    words.insert(words.begin(), "session");
    words.insert(words.end(), {"-c", folder_.file("conf")});
    return test::run_command(folder_, words, script);
  }
  Ended stranger(const std::string& script) const {
    return play({"--ip", "192.0.2.10", "--helo", "mx.a.example"}, script);
  }

  test::TemporaryFolder folder_;
};

TEST_F(FakeSession, AStrangerToAnOpenRoute) {
  const auto ended = stranger(
      "# a comment, and an empty line\n\nMAIL FROM:<bob@a.example>\nRCPT TO:<alice@example.jp>\n"
      "RCPT TO:<team@example.jp>\nDATA\nFrom: bob@a.example\nDate: Mon, 30 Nov 2026 12:00:00 "
      "+0900\n\n..dots\n.\nQUIT\nNOOP\n");
  EXPECT_EQ(ended.code, ok) << ended.err;
  for (const char* part :
       {"The client is a stranger: ", "\nS: 220 mx.example.jp ESMTP Sekisho\n",
        "\nC: EHLO mx.a.example\nS: 250-mx.example.jp\n", "\nC: MAIL FROM:<bob@a.example>\nS: 250 ",
        "\nC: ..dots\nC: .\n", "S: 250 2.0.0 Ok: queued as ",
        "connect from mx.a.example[192.0.2.10]", "C: QUIT\nS: 221 2.0.0",
        "note: the server has ended the connection", "accept by the rule ",
        "<alice@example.jp>\n             [[route]] example.jp, via maildir:",
        "<team@example.jp> as <far@elsewhere.example>\n             by the MX of "
        "elsewhere.example\n"
        "             from <SRS0=",
        "If it cannot be delivered: the sender would be told."}) {
    EXPECT_THAT(ended.out, HasSubstr(part));
  }
  EXPECT_THAT(ended.out, Not(HasSubstr("C: #")));
  EXPECT_THAT(ended.out, Not(HasSubstr("C: NOOP")));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("queue")));
}

TEST_F(FakeSession, ARefusalSaysWhichLineWouldAllowIt) {
  const auto ended = stranger(
      "MAIL FROM:<bob@a.example>\nRCPT TO:<x@elsewhere.example>\n"
      "RCPT TO:<nobody@example.jp>\nDATA\n");
  EXPECT_EQ(ended.code, ok);
  for (const char* part : {"S: 554 5.7.1 <x@elsewhere.example>: Relay access denied\n",
                           "log: NOQUEUE: reject: RCPT from mx.a.example[192.0.2.10]: 554 5.7.1",
                           "[[permit]]", "S: 550 5.1.1 <nobody@example.jp>: Recipient address",
                           "S: 554 5.5.1 Error: no valid recipients",
                           "No message came to its end: there is no verdict."}) {
    EXPECT_THAT(ended.out, HasSubstr(part));
  }
}

TEST_F(FakeSession, ALoginSendsAsItselfOnly) {
  const auto ended = play({"--ip", "203.0.113.9", "--login", "alice@example.jp", "--helo", "phone"},
                          "MAIL FROM:<boss@example.jp>\nMAIL FROM:<sales@example.jp>\n"
                          "RCPT TO:<x@elsewhere.example>\nDATA\nFrom: sales@example.jp\n\nx\n.\n");
  for (const char* part :
       {"The client is a login: ",
        "S: 550 5.7.1 <boss@example.jp>: Sender address rejected: not "
        "owned by user alice@example.jp\n",
        "C: MAIL FROM:<sales@example.jp>\nS: 250 2.1.0 Ok\n", "S: 250 2.0.0 Ok: queued as ",
        "<x@elsewhere.example>\n             by the MX of elsewhere.example\n"}) {
    EXPECT_THAT(ended.out, HasSubstr(part));
  }
}

TEST_F(FakeSession, DmarcRejectsAtTheDot) {
  const auto ended = stranger(
      "MAIL FROM:<ceo@strict.example>\nRCPT TO:<alice@example.jp>\nDATA\n"
      "From: ceo@strict.example\n\nPay this.\n");
  for (const char* part : {"note: the script ends within the message: a dot is added", "C: .\n",
                           "S: 550 5.7.1 rejected by DMARC policy", "reject by the rule dmarc",
                           "_dmarc.strict.example"}) {
    EXPECT_THAT(ended.out, HasSubstr(part));
  }
  EXPECT_THAT(ended.out, Not(HasSubstr("Where it would go")));
}

TEST_F(FakeSession, AForwarderDoesNotGetWhatFailedDmarc) {
  std::ofstream(folder_.file("conf"), std::ios::app) << "[[policy]]\nto = [\"team@example.jp\"]\n"
                                                        "[policy.dmarc]\nreject = \"tag\"\n";
  const auto ended = stranger(
      "MAIL FROM:<ceo@strict.example>\nRCPT TO:<team@example.jp>\nDATA\n"
      "From: ceo@strict.example\n\nPay this.\n");
  EXPECT_THAT(ended.out, HasSubstr("held: team@example.jp: quarantine by the rule forward: "));
}

TEST_F(FakeSession, PasswordsAreNotShown) {
  const auto ended =
      play({"--ip", "192.0.2.10", "--listener", "submission", "--tls"},
           "EHLO x\nAUTH PLAIN AGFsaWNlAHNlc2FtZQ==\nAUTH LOGIN\nYWxpY2U=\nc2VzYW1l\n"
           "MAIL FROM:<alice@example.jp>\n");
  EXPECT_THAT(ended.out, HasSubstr("C: AUTH PLAIN (not shown)\n"));
  EXPECT_THAT(ended.out, HasSubstr("S: 535 5.7.8"));
  EXPECT_THAT(ended.out, HasSubstr("S: 530 5.7.0"));
  EXPECT_THAT(ended.out, HasSubstr("The client is a client of a submission port"));
  for (const char* secret : {"AGFsaWNlAHNlc2FtZQ", "c2VzYW1l"})
    EXPECT_THAT(ended.out, Not(HasSubstr(secret)));
}

TEST_F(FakeSession, AProgramOfThisHost) {
  const auto ended = play({"--listener", "local"}, "HELO x\nMAIL FROM:<root>\nRCPT TO:<alice>\n");
  EXPECT_THAT(ended.out, HasSubstr("The client is a program of this host"));
  EXPECT_THAT(ended.out, HasSubstr("C: RCPT TO:<alice>\nS: 250 2.1.5 Ok\n"));
}

TEST_F(FakeSession, ForPrograms) {
  const auto ended = play({"--ip", "192.0.2.10", "--helo", "mx.a.example", "--json"},
                          "MAIL FROM:<bob@a.example>\nRCPT TO:<alice@example.jp>\nDATA\n"
                          "From: bob@a.example\n\nx\n.\n");
  const auto out = json::parse(ended.out);
  const json greeting = {{"who", "server"}, {"text", "220 mx.example.jp ESMTP Sekisho"}};
  EXPECT_THAT(out["dialogue"], testing::Contains(greeting));
  ASSERT_EQ(out["messages"].size(), 1U);
  EXPECT_EQ(out["messages"][0]["destinations"]["recipients"][0]["to"], "alice@example.jp");
}

TEST_F(FakeSession, WhatIsNotUnderstood) {
  struct Case {
    std::vector<std::string> words;
    int code;
    const char* says;
  };
  for (const auto& c : std::vector<Case>{
           {{}, usage, "--ip is missing"},
           {{"--ip", "nowhere"}, usage, "--ip: "},
           {{"--ip", "192.0.2.10", "--listener", "smtps"}, usage, "--listener"},
           {{"--ip", "192.0.2.10", "--listener", "submissions"}, usage, "no [[listener]] with"},
           {{"--ip", "192.0.2.10", "--listener", "mx", "--login", "a"}, usage, "nobody logs in"},
           {{"--ip", "192.0.2.10", "--listener", "local"}, usage, "neither --ip nor --tls"},
           {{"--ip", "192.0.2.10", "--helo", "a\nb"}, usage, "--helo: a control character"},
           {{"--ip", "192.0.2.10", "--zone", "/none"}, no_input, "/none: cannot be read"},
       }) {
    const auto ended = play(c.words, "NOOP\n");
    EXPECT_EQ(ended.code, c.code) << c.says << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(c.says));
    EXPECT_EQ(ended.out, "");
  }
  write("conf", "[identity]\nhostname = \"mx.example.jp\"\n");
  const auto ended = play({"--ip", "192.0.2.10"}, "");
  EXPECT_EQ(ended.code, config);
  EXPECT_THAT(ended.err, HasSubstr("there is no [[listener]]"));
}

}  // namespace
}  // namespace sekisho::cli
