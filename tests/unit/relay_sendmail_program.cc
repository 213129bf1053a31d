#include "relay/sendmail_program.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temporary_folder.h"

namespace sekisho::relay {
namespace {

using Code = Handover::Code;
using testing::ElementsAre;
using testing::HasSubstr;

class SendmailProgram : public testing::Test {
 protected:
  std::string program(const std::string& script) {
    const std::string path = place_.file("sendmail");
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    ::chmod(path.c_str(), 0700);
    return path;
  }
  std::string read(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(place_.file(name)).rdbuf();
    return text.str();
  }
  Letter letter() {
    Letter one;
    one.mail_from = "a@example.com";
    one.recipients = {{"b@example.jp", {"NOTIFY=NEVER"}}, {"-oQ/tmp", {"NOTIFY=NEVER"}}};
    one.content = "Subject: x\r\n\r\n.\r\nlast\r\n";
    return one;
  }
  test::TemporaryFolder place_;
};

TEST_F(SendmailProgram, Arguments) {
  Letter one = letter();
  EXPECT_THAT(sendmail_arguments("/s", one), ElementsAre("/s", "-i", "-f", "a@example.com", "-N",
                                                         "never", "--", "b@example.jp", "-oQ/tmp"));
  one.mail_from = "";
  one.mail_parameters = {"RET=HDRS", "ENVID=x", "BODY=8BITMIME"};
  one.recipients[1].parameters = {"NOTIFY=SUCCESS"};
  EXPECT_THAT(sendmail_arguments("/s", one), ElementsAre("/s", "-i", "-f", "<>", "-R", "hdrs", "-V",
                                                         "x", "--", "b@example.jp", "-oQ/tmp"));
}

TEST_F(SendmailProgram, GetsTheMessageAndNoShellLooksAtIt) {
  Letter one = letter();
  one.mail_from = "$(touch " + place_.file("evil") + ")@x";
  const auto path = program("printf '%s\\n' \"$@\" > " + place_.file("args") + "; cat > " +
                            place_.file("message"));
  EXPECT_EQ(hand_over_by_sendmail(path, one).code, Code::accepted);
  EXPECT_EQ(read("message"), "Subject: x\n\n.\nlast\n");
  EXPECT_THAT(read("args"), HasSubstr(one.mail_from));
  EXPECT_NE(::access(place_.file("evil").c_str(), F_OK), 0);
}

TEST_F(SendmailProgram, BigMessages) {
  Letter one = letter();
  std::string content = "Subject: x\r\n\r\n";
  while (content.size() < 20'000'000) content += "some line of a message\r\n";
  one.content = content;
  const auto path = program("cat > " + place_.file("message"));
  EXPECT_EQ(hand_over_by_sendmail(path, one).code, Code::accepted);
  EXPECT_EQ(read("message").size(), content.size() - static_cast<std::size_t>(std::count(
                                                         content.begin(), content.end(), '\r')));
}

TEST_F(SendmailProgram, ExitCodes) {
  const struct {
    const char* script;
    Code code;
    const char* why;
  } cases[] = {{"cat >/dev/null; exit 75", Code::deferred, "exited with 75"},
               {"exit 67", Code::refused, "exited with 67"},
               {"echo 'no such user' >&2; exit 67", Code::refused, ": no such user"},
               {"printf '\\033[2J' >&2; exit 1", Code::refused, ": ?[2J"},
               {"kill -9 $$", Code::uncertain, "signal 9"},
               {"yes | head -c 1000000; exit 64", Code::refused, "exited with 64"}};
  for (const auto& one : cases) {
    const auto outcome = hand_over_by_sendmail(program(one.script), letter());
    EXPECT_EQ(outcome.code, one.code) << one.script;
    EXPECT_THAT(outcome.why, HasSubstr(one.why));
  }
}

TEST_F(SendmailProgram, ThatHangsIsEnded) {
  const auto outcome =
      hand_over_by_sendmail(program("exec sleep 1000"), letter(), std::chrono::seconds(1));
  EXPECT_EQ(outcome.code, Code::uncertain);
}

TEST_F(SendmailProgram, ThatIsNotThere) {
  EXPECT_EQ(hand_over_by_sendmail("/nonexistent/sendmail", letter()).code, Code::deferred);
}

}  // namespace
}  // namespace sekisho::relay
