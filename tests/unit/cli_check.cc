// `sekisho check` as a person and a program use it: exit codes, the text, the JSON object.
#include "cli/check.h"

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"
#include "mail/limits.h"
#include "support/command_run.h"
#include "support/fake_dns.h"
#include "support/temporary_folder.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

using test::Ended;

class Check : public testing::Test {
 protected:
  Check() {
    std::signal(SIGPIPE, SIG_IGN);  // a pipe's writer that is not read to its end
    write("zone", R"(
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject; rua=mailto:x@a.example"
)");
    write("conf", "[identity]\nauthserv_id = \"mx.example.jp\"\n[dns]\nzone_file = \"zone\"\n");
    write("message", "From: bob@a.example\r\nSubject: x\r\n\r\nHello\r\n");
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  Ended run(const std::vector<std::string>& words, const std::string& input = "") const {
    return test::run_command(folder_, words, input);
  }
  // A check of `message` with these words more.
  std::vector<std::string> words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"check",    path("message"), "--ip",        "192.0.2.10",
                                    "--helo",   "mx.a.example",  "--mail-from", "bob@a.example",
                                    "--config", path("conf")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> with(const std::string& option, const std::string& value) const {
    auto all = words();
    *(std::find(all.begin(), all.end(), option) + 1) = value;
    return all;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Check, ExitCodes) {
  write("broken.conf", "[identity]\nno_such_key = 1\n");
  write("broken.zone", "this is no zone (\n");
  auto no_file = words();
  no_file[1] = path("none");
  auto a_folder = words();
  a_folder[1] = folder_.file("");
  const std::pair<std::vector<std::string>, int> cases[] = {
      {words(), 0},
      {{}, 64},
      {{"nonsense"}, 64},
      {{"check"}, 64},
      {words({"--nonsense"}), 64},
      {with("--ip", "mx.example"), 64},
      {with("--ip", "192.0.2.10/24"), 64},
      {words({"--at", "yesterday"}), 64},
      {with("--ip", "192.0.2.10\n"), 64},
      {with("--helo", "mx.a.example\r\nMAIL FROM:<x@b.example>"), 64},
      {with("--helo", "mx\ta"), 64},
      {with("--mail-from", "bob@a.example\n"), 64},
      {with("--mail-from", "<bob\x7f@a.example>"), 64},
      {words({"--rcpt", "user@example.jp", "--rcpt", "user@example.jp\r"}), 64},
      {words({"--at", "2026-11-21T09:30:00Z"}), 0},
      {words({"--at", "1800000000"}), 0},
      {no_file, 66},
      {a_folder, 66},
      {words({"--zone", path("none")}), 66},
      {words({"--zone", path("broken.zone")}), 65},
      {with("--config", path("broken.conf")), 78},
      {with("--config", path("none.conf")), 78},
      {{"--version"}, 0},
      {{"--help"}, 0},
      {{"config", "check", path("broken.conf")}, 78},
      {{"config", "dump", path("conf")}, 0},
      {{"status", "--socket", path("none.sock")}, 69},
      {{"reload", "--socket", path("none.sock")}, 69},
  };
  for (const auto& [line, code] : cases) {
    const auto result = run(line);
    std::string shown;
    for (const auto& word : line) shown += word + " ";
    EXPECT_EQ(result.code, code) << shown << "\n" << result.err;
    if (code != 0) {
      EXPECT_FALSE(result.err.empty()) << shown;
    }
  }
}

// Every key of `expected` is in `actual`, with a value of the same kind.
void expect_keys(const json& expected, const json& actual, const std::string& at) {
  if (expected.is_object()) {
    ASSERT_TRUE(actual.is_object()) << at;
    for (const auto& [key, value] : expected.items()) {
      ASSERT_TRUE(actual.contains(key)) << at << "." << key;
      expect_keys(value, actual[key], at + "." + key);
    }
  } else if (expected.is_array()) {
    ASSERT_TRUE(actual.is_array()) << at;
    for (std::size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
      expect_keys(expected[i], actual[i], at + "[" + std::to_string(i) + "]");
    }
  } else {
    EXPECT_EQ(expected.type_name(), std::string(actual.type_name())) << at;
  }
}

// What the check says is ok, the daemon must be able to start with: the files that are named are
// read.
TEST_F(Check, ConfigurationsThatNameUnreadableFiles) {
  const std::string milter =
      "[process]\nuser = \"root\"\n[[milter]]\nsocket = \"inet:8890@127.0.0.1\"\n";
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const struct {
    const char* text;
    const char* says;
  } cases[] = {
      {"[dns]\nzone_file = \"absent\"\n", "absent"},
      {"[dns]\nzone_file = \"pipe\"\n", "not a regular file"},
      {"[dns]\nzone_file = \"message\"\n", "message:1"},
      {"[dmarc]\ndiscovery = \"psl\"\npublic_suffix_list = \"absent\"\n", "absent"},
      {"[dmarc]\ndiscovery = \"psl\"\npublic_suffix_list = \"pipe\"\n", "not a regular file"},
  };
  for (const auto& [text, says] : cases) {
    write("bad", milter + text);
    const auto ended = run({"config", "check", path("bad")});
    EXPECT_EQ(ended.code, config) << text << ended.err;
    EXPECT_NE(ended.err.find(says), std::string::npos) << text << ended.err;
  }
  write("good", milter + "[dns]\nzone_file = \"zone\"\n");
  EXPECT_EQ(run({"config", "check", path("good")}).code, ok);
}

TEST_F(Check, AccountsThatThisHostLacksAreErrorsOfTheConfiguration) {
  write("bad",
        "[process]\nuser = \"root\"\n[[milter]]\nsocket = \"unix:/tmp/x.sock\"\nsocket_group = "
        "\"no-such-group\"\n");
  const auto ended = run({"config", "check", path("bad")});
  EXPECT_EQ(ended.code, config);
  EXPECT_NE(ended.err.find(path("bad") + ":5:1: error: milter[1].socket_group = \"no-such-group\""),
            std::string::npos)
      << ended.err;
  // A message can be checked with the configuration of another host.
  EXPECT_EQ(run(with("--config", path("bad"))).code, ok);
}

TEST_F(Check, WhatIsNoFileIsNoMessage) {
  for (const char* device : {"/dev/zero", "/dev/null", "/dev"}) {
    auto all = words();
    all[1] = device;
    const auto ended = run(all);
    EXPECT_EQ(ended.code, no_input) << device;
    EXPECT_NE(ended.err.find("not a file"), std::string::npos) << ended.err;
  }
}

TEST_F(Check, MessagesBeyondTheLimitAreNotRead) {
  write("huge", "From: bob@a.example\r\n\r\n");
  std::filesystem::resize_file(path("huge"), max_message_octets + 1);
  auto file = words();
  file[1] = path("huge");
  ASSERT_EQ(::mkfifo(path("endless").c_str(), 0600), 0);
  std::thread writer([&] {
    std::ofstream pipe(path("endless"), std::ios::binary);
    while (pipe.write("From: bob@a.example\r\n", 21)) continue;  // until nobody reads
  });
  auto pipe = words();
  pipe[1] = path("endless");
  for (const auto& line : {file, pipe}) {
    const auto ended = run(line);
    EXPECT_EQ(ended.code, data_error) << line[1];
    EXPECT_NE(ended.err.find("larger than 100 MB"), std::string::npos) << ended.err;
    EXPECT_EQ(ended.out, "");
  }
  writer.join();
}

TEST_F(Check, APipeIsReadToItsEnd) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path("pipe")) << "From: x@b.example\n\nbody\n"; });
  auto all = words({"--json"});
  all[1] = path("pipe");
  const auto ended = run(all);
  writer.join();
  EXPECT_EQ(json::parse(ended.out)["author"]["domain"], "b.example");
}

// What was left out for its size is the reason, and not that the author was in it.
TEST_F(Check, AHeaderBeyondItsLimitsIsCalledThat) {
  std::string many;
  for (std::size_t i = 0; i < mail::limits::header_fields; ++i) many += "X: y\r\n";
  const std::string headers[] = {
      "X: " + std::string(mail::limits::header_block_octets, 'x') + "\r\nFrom: bob@a.example\r\n",
      "From: bob@a.example\r\nX: " + std::string(mail::limits::header_block_octets, 'x') + "\r\n",
      many + "From: bob@a.example\r\n",
  };
  for (const auto& header : headers) {
    write("message", header + "\r\nHello\r\n");
    const auto object = json::parse(run(words({"--json"})).out);
    EXPECT_EQ(object["verdict"]["rule"], "limits") << header.substr(0, 40);
    EXPECT_EQ(object["author"]["result"], "invalid");
    EXPECT_NE(
        run(words()).out.find("author      invalid  (a header that is larger than its limits)"),
        std::string::npos);
  }
}

TEST_F(Check, NamesFromTheCommandLineDoNotSteerATerminal) {
  const std::string evil = "\x1b[2J\x9b\x07";
  auto file = words();
  file[1] = evil;
  const std::vector<std::string> lines[] = {
      file,
      words({"--zone", evil}),
      with("--config", evil),
      with("--ip", evil),
      words({"--at", evil}),
      words({"--" + evil}),
      words({evil}),
      {evil},
      {"config", "check", evil},
      {"config", "dump", evil},
      {"config", evil},
      {"status", "--socket", evil},
      {"status", "--config", evil},
      {"reload", "--socket", evil},
  };
  for (const auto& line : lines) {
    const auto ended = run(line);
    EXPECT_NE(ended.code, ok) << line.front();
    EXPECT_FALSE(ended.err.empty());
    for (const char c : ended.out + ended.err) {
      ASSERT_TRUE(c == '\n' || (c >= ' ' && c < 0x7f)) << line.front() << ": " << ended.err;
    }
  }
}

TEST_F(Check, TheJsonObjectHasWhatIsPromised) {
  const auto result = run(words({"--json", "--rcpt", "<user@example.jp>"}));
  const auto object = json::parse(result.out);
  expect_keys(test::read_json(test::data_path("cli/check.json")), object, "");
  EXPECT_EQ(object["verdict"]["action"], "accept");
  EXPECT_EQ(object["verdict"]["recipients"][0]["to"], "user@example.jp");
  EXPECT_EQ(object["dmarc"]["result"], "pass");
  EXPECT_EQ(object["spf"][0]["scope"], "mfrom");
  EXPECT_EQ(object["spf"][1]["scope"], "helo");
  EXPECT_TRUE(
      object["authentication_results"].get<std::string>().starts_with("mx.example.jp (id="));
}

// What would be held is told, and nothing is: the store of the configuration is not touched.
TEST_F(Check, WhatAStoreWouldHoldIsTold) {
  std::ofstream(path("conf"), std::ios::app)
      << "[quarantine]\nwhere = \"store\"\ndir = \"" << path("quarantine") << "\"\n";
  const auto ended = run(with("--ip", "192.0.2.99"));
  EXPECT_EQ(ended.code, ok) << ended.err;
  EXPECT_NE(ended.out.find("quarantine  rule=dmarc"), std::string::npos) << ended.out;
  EXPECT_FALSE(std::filesystem::exists(path("quarantine")));
}

TEST_F(Check, AddressesAsPeopleWriteThem) {
  for (const char* sender : {"bob@a.example", "<bob@a.example>"}) {
    const auto object = json::parse(run([&] {
                                      auto all = with("--mail-from", sender);
                                      all.push_back("--json");
                                      return all;
                                    }())
                                        .out);
    EXPECT_EQ(object["spf"][0]["result"], "pass") << sender;
  }
  write("message", "Subject: a bounce without a From\r\n\r\n");
  for (const char* sender : {"", "<>"}) {
    auto all = with("--mail-from", sender);
    all.push_back("--json");
    EXPECT_EQ(json::parse(run(all).out)["verdict"]["action"], "tag") << "'" << sender << "'";
  }
}

TEST_F(Check, TheMessageFromStandardInput) {
  auto all = words({"--json"});
  all[1] = "-";
  const auto object = json::parse(run(all, "From: x@b.example\n\nbody\n").out);
  EXPECT_EQ(object["author"]["domain"], "b.example") << "a file with bare LF is a message too";
}

TEST_F(Check, TheTextForPeople) {
  const auto passed = run(words()).out;
  for (const char* wanted :
       {"author      a.example\n", "verdict     accept  rule=dmarc",
        "dmarc       pass  p=reject of a.example", "Authentication-Results: mx.example.jp (id="}) {
    EXPECT_NE(passed.find(wanted), std::string::npos) << wanted << "\n" << passed;
  }
  EXPECT_NE(run(with("--ip", "127.0.0.1")).out.find("skipped     trusted-network"),
            std::string::npos);
}

TEST_F(Check, WhatTheSenderWroteDoesNotSteerATerminal) {
  write("message",
        "From: \"\x1b]0;evil\x07\" <x\x1b[2J@\x1b[31m.example>\r\nDKIM-Signature: v=1; d=\x1b[31m; "
        "s=\x9b\r\n"
        "X-Sekisho-Disposition: \x1b[2J\r\n\r\n\x1b[2J");
  auto all = with("--helo", "\x1b[2J");
  *(std::find(all.begin(), all.end(), "--mail-from") + 1) = "\x1b[31m@\x1b[2J";
  all.insert(all.end(), {"--rcpt", "a\x1b[2J@x", "--rcpt", "b\x07@x"});
  const auto shown = run(all);
  all.push_back("--json");
  for (const auto& text : {shown.out, shown.err, run(all).out}) {
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r') ||
             c == 0x7f;
    })) << text;
  }
}

}  // namespace

}  // namespace sekisho::cli
