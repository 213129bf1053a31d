// `sekisho user` as a person and a program use it.
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "accounts/user_file.h"
#include "base/poll_until.h"
#include "cli/exit_code.h"
#include "support/command_run.h"

namespace sekisho::cli {

namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

class UserCommand : public testing::Test {
 protected:
  UserCommand() {
    write("conf", "[users]\nsource = \"file:" + path("users") +
                      "\"\n[log]\ntarget = \"file:" + path("log") + "\"\n");
    write("log", "");
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const { return test::read_file(path(name)); }
  test::Ended run(std::vector<std::string> words, const std::string& input = "") const {
    words.insert(words.begin(), "user");
    words.insert(words.end(), {"--config", path("conf")});
    return test::run_command(folder_, std::move(words), input);
  }
  bool verifies(const std::string& login, const std::string& password) const {
    return accounts::UserFile::parse(read("users"), "users").verify(login, password);
  }
  mode_t mode(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::stat(path(name).c_str(), &status), 0);
    return status.st_mode & 07777;
  }

  test::TemporaryFolder folder_;
};

TEST_F(UserCommand, AddMakesAFileThatOthersCannotRead) {
  const auto ended = run({"add", "alice@example.jp", "--stdin"}, "secret\nmore\n");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("alice@example.jp is added"));
  EXPECT_THAT(read("users"), StartsWith("alice@example.jp:$y$"));
  EXPECT_EQ(mode("users"), 0640U);
  EXPECT_TRUE(verifies("alice@example.jp", "secret"));
  EXPECT_EQ(read("users").find("secret"), std::string::npos);
}

TEST_F(UserCommand, ALoginIsAddedOnce) {
  run({"add", "alice", "--stdin"}, "secret\n");
  const std::string before = read("users");
  const auto again = run({"add", "Alice", "--stdin"}, "other\n");
  EXPECT_EQ(again.code, data_error);
  EXPECT_THAT(again.err, HasSubstr("user passwd"));
  EXPECT_EQ(read("users"), before);
}

TEST_F(UserCommand, PasswdChangesOneLineAndKeepsTheRest) {
  write("users", "# ours\n\nbob:x\nAlice:$6$old\nalice:$6$older");
  ::chmod(path("users").c_str(), 0600);
  const auto ended = run({"passwd", "ALICE", "--stdin"}, "secret\r\n");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(read("users"), StartsWith("# ours\n\nbob:x\nALICE:$y$"));
  EXPECT_EQ(read("users").find("older"), std::string::npos);
  EXPECT_TRUE(verifies("alice", "secret"));
  EXPECT_EQ(mode("users"), 0600U);
}

TEST_F(UserCommand, KeysForScramFollowThePassword) {
  EXPECT_EQ(run({"add", "alice", "--stdin", "--scram"}, "secret\n").code, 0);
  EXPECT_THAT(read("users"), HasSubstr(":{SCRAM-SHA-256}4096,"));
  const std::string before = read("users");
  EXPECT_EQ(run({"passwd", "alice", "--stdin"}, "other\n").code, 0);
  const auto file = accounts::UserFile::parse(read("users"), "users");
  ASSERT_NE(file.find("alice"), nullptr);
  ASSERT_TRUE(file.find("alice")->scram);
  const auto old = accounts::UserFile::parse(before, "users");
  EXPECT_NE(file.find("alice")->scram->stored_key, old.find("alice")->scram->stored_key);
  EXPECT_TRUE(file.verify("alice", "other"));
}

TEST_F(UserCommand, DeleteRemovesTheLogin) {
  run({"add", "alice", "--stdin"}, "secret\n");
  run({"add", "bob", "--stdin"}, "secret\n");
  EXPECT_EQ(run({"delete", "alice"}).code, 0);
  EXPECT_FALSE(verifies("alice", "secret"));
  EXPECT_TRUE(verifies("bob", "secret"));
  const auto again = run({"delete", "alice"});
  EXPECT_EQ(again.code, no_input);
  EXPECT_THAT(again.err, HasSubstr("there is no login alice"));
}

TEST_F(UserCommand, ListShowsLoginsAndWhatIsWrong) {
  run({"add", "alice", "--stdin", "--scram"}, "secret\n");
  write("users", read("users") + "bob:$6$a$" + std::string(86, 'x') + "\nnonsense\n");
  const auto table = run({"list"});
  EXPECT_EQ(table.code, 0);
  EXPECT_THAT(table.out, testing::AllOf(HasSubstr("alice"), HasSubstr("yescrypt"),
                                        HasSubstr("SCRAM-SHA-256"), HasSubstr("sha512crypt")));
  EXPECT_THAT(table.err, HasSubstr("users:3: a line is LOGIN:HASH"));
  const auto all = nlohmann::json::parse(run({"list", "--json"}).out);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["login"], "alice");
  EXPECT_EQ(all[0]["scram"], true);
  EXPECT_EQ(all[1]["method"], "sha512crypt");
  EXPECT_EQ(table.out.find("$y$"), std::string::npos);
}

TEST_F(UserCommand, ASymbolicLinkStaysOne) {
  write("real", "");
  std::filesystem::create_symlink(path("real"), path("users"));
  EXPECT_EQ(run({"add", "alice", "--stdin"}, "secret\n").code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(path("users")));
  EXPECT_THAT(read("real"), StartsWith("alice:"));
}

TEST_F(UserCommand, WhatIsNoLoginOrPasswordIsRefused) {
  for (const auto* login : {"", "a:b", "a b", "#a", "a\nb"}) {
    EXPECT_EQ(run({"add", login, "--stdin"}, "secret\n").code, usage) << login;
  }
  EXPECT_EQ(run({"add", std::string(255, 'a'), "--stdin"}, "secret\n").code, usage);
  EXPECT_EQ(run({"add", "alice", "--stdin"}, "\n").code, data_error);
  EXPECT_EQ(run({"add", "alice", "--stdin"}, std::string(600, 'x') + "\n").code, data_error);
  EXPECT_EQ(run({"passwd", "nobody", "--stdin"}, "secret\n").code, no_input);
  EXPECT_FALSE(std::filesystem::exists(path("users")));
}

TEST_F(UserCommand, WithoutATerminalItSaysHow) {
  const auto ended = run({"add", "alice"});
  EXPECT_EQ(ended.code, usage);
  EXPECT_THAT(ended.err, HasSubstr("--stdin"));
}

TEST_F(UserCommand, AnotherSourceIsNotChanged) {
  write("conf", "[users]\nsource = \"dovecot:/run/dovecot/auth-client\"\n");
  const auto ended = run({"add", "alice", "--stdin"}, "secret\n");
  EXPECT_EQ(ended.code, ExitCode::config);
  EXPECT_THAT(ended.err, HasSubstr("dovecot:/run/dovecot/auth-client"));
  EXPECT_EQ(run({"add", "alice", "--stdin", "--file", path("users")}, "secret\n").code, 0);
  EXPECT_TRUE(verifies("alice", "secret"));
  write("conf", "");
  EXPECT_THAT(run({"list"}).err, HasSubstr("users.source is not set"));
}

// A person at a terminal: waits for a question, types, and sees what the terminal shows.
class Person {
 public:
  explicit Person(int terminal) : terminal_(terminal) {}
  // What was shown before this text; nullopt: it was not shown in ten seconds.
  std::optional<std::string> sees(const std::string& text) {
    while (shown_.find(text) == std::string::npos) {
      char octets[256];
      if (poll_until(terminal_, POLLIN, steady_now() + 10s) != Polled::ready) return std::nullopt;
      const auto got = ::read(terminal_, octets, sizeof octets);
      if (got <= 0) return std::nullopt;
      shown_.append(octets, static_cast<std::size_t>(got));
    }
    const auto at = shown_.find(text);
    std::string before = shown_.substr(0, at);
    shown_.erase(0, at + text.size());
    return before;
  }
  bool types(const std::string& text) const {
    return ::write(terminal_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

 private:
  int terminal_;
  std::string shown_;
};

class AtTerminal : public UserCommand {
 protected:
  AtTerminal() {
    int ours = -1;
    int theirs = -1;
    EXPECT_EQ(::openpty(&ours, &theirs, nullptr, nullptr, nullptr), 0);
    ours_.reset(ours);
    theirs_.reset(theirs);
  }
  // Runs `user add alice` at the terminal, while `person` sits there.
  int add(const std::function<void(Person&)>& person) {
    std::thread at_terminal([&] {
      // A signal must be the command's.
      sigset_t interrupt;
      sigemptyset(&interrupt);
      sigaddset(&interrupt, SIGINT);
      ::pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
      Person somebody(ours_.get());
      person(somebody);
    });
    const UniqueFd saved_in(::dup(0));
    const UniqueFd saved_err(::dup(2));
    ::dup2(theirs_.get(), 0);
    ::dup2(theirs_.get(), 2);
    std::string words[] = {"sekisho", "user", "add", "alice", "--config", path("conf")};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(),
                    words[3].data(), words[4].data(), words[5].data()};
    const int code = cli::run(6, argv);
    ::dup2(saved_in.get(), 0);
    ::dup2(saved_err.get(), 2);
    at_terminal.join();
    return code;
  }
  bool shows_typing() const {
    termios now{};
    return ::tcgetattr(theirs_.get(), &now) == 0 && (now.c_lflag & ECHO) != 0;
  }
  UniqueFd ours_;
  UniqueFd theirs_;
};

TEST_F(AtTerminal, ThePasswordIsAskedTwiceAndNotShown) {
  EXPECT_EQ(add([](Person& person) {
              EXPECT_TRUE(person.sees("New password of alice: "));
              EXPECT_TRUE(person.types("secret\n"));
              // What was typed would stand between the two questions.
              EXPECT_EQ(person.sees("The same again: "), "\r\n");
              EXPECT_TRUE(person.types("secret\n"));
            }),
            0);
  EXPECT_TRUE(verifies("alice", "secret"));
  EXPECT_TRUE(shows_typing());
}

TEST_F(AtTerminal, TwoDifferentPasswordsChangeNothing) {
  EXPECT_EQ(add([](Person& person) {
              person.sees("New password of alice: ");
              person.types("secret\n");
              person.sees("The same again: ");
              person.types("Secret\n");
            }),
            usage);
  EXPECT_FALSE(std::filesystem::exists(path("users")));
}

TEST_F(AtTerminal, ASignalEndsTheQuestionAndTheTerminalShowsAgain) {
  EXPECT_EQ(add([](Person& person) {
              person.sees("New password of alice: ");
              ::kill(::getpid(), SIGINT);
            }),
            usage);
  EXPECT_TRUE(shows_typing());
  EXPECT_FALSE(std::filesystem::exists(path("users")));
}

}  // namespace

}  // namespace sekisho::cli
