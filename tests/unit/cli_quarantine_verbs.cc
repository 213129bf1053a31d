// The verbs of `sekisho quarantine` as they are typed: what they print, and how they end.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"
#include "quarantine/envelope.h"
#include "quarantine/store.h"
#include "support/command_run.h"
#include "support/held_messages.h"
#include "support/spool_store.h"

namespace sekisho::cli {
namespace {

using test::Ended;
using test::held_id;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A terminal; what was written to it until nobody has it open any more.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(::grantpt(master_.get()), 0);
    EXPECT_EQ(::unlockpt(master_.get()), 0);
    path_ = ::ptsname(master_.get());
    slave_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    reader_ = std::thread([this] {
      char octets[4096];
      for (ssize_t got = 0; (got = ::read(master_.get(), octets, sizeof octets)) > 0;)
        text_.append(octets, static_cast<std::size_t>(got));
    });
  }
  const std::string& path() const { return path_; }
  void type(const std::string& text) {
    EXPECT_EQ(::write(master_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string text() {
    slave_.reset();
    reader_.join();
    return text_;
  }

 private:
  UniqueFd master_;
  UniqueFd slave_;
  std::string path_;
  std::string text_;
  std::thread reader_;
};

class Verbs : public testing::Test {
 protected:
  Verbs() { configure("smtp:127.0.0.1:1"); }
  void configure(const std::string& release_via) const {
    std::ofstream(folder_.file("conf"))
        << "[quarantine]\nwhere = \"store\"\nrelease_via = \"" << release_via << "\"\ndir = \""
        << folder_.file("store") << "\"\n[log]\ntarget = \"file:" << folder_.file("log") << "\"\n";
    std::ofstream(folder_.file("log"), std::ios::app) << "";
  }
  std::unique_ptr<quarantine::Store> open() const {
    quarantine::Options options;
    options.dir = folder_.file("store");
    auto store = quarantine::Store::open(options, quarantine::Access::owner, alarms_.sink());
    EXPECT_TRUE(store);
    return std::move(*store);
  }
  void hold(std::uint64_t from, std::uint64_t to, const std::string& message = "a: b\r\n\r\nx") {
    const auto store = open();
    test::Puts puts;
    for (std::uint64_t number = from; number < to; ++number) {
      auto draft = store->draft();
      draft.append(message);
      store->hold(std::move(draft), test::held_message(number),
                  {quarantine::Envelope().json(), "{}"}, puts.done());
    }
    for (const auto& outcome : puts.wait()) EXPECT_TRUE(outcome.has_value());
  }
  Ended run(std::vector<std::string> words, const std::string& input = "") const {
    words.insert(words.begin(), "quarantine");
    words.insert(words.end(), {"--config", folder_.file("conf")});
    return test::run_command(folder_, std::move(words), input);
  }
  void hold_all(const std::vector<quarantine::HeldRow>& all) {
    const auto store = open();
    test::Puts puts;
    for (const auto& held : all) {
      quarantine::Envelope envelope;
      for (const auto& to : held.recipients) envelope.recipients.push_back({to});
      auto draft = store->draft();
      draft.append("a: b\r\n\r\nx");
      store->hold(std::move(draft), held, {envelope.json(), "{}"}, puts.done());
    }
    for (const auto& outcome : puts.wait()) EXPECT_TRUE(outcome.has_value());
  }
  std::string read(const std::string& name) const { return test::read_file(folder_.file(name)); }
  // Releases go to a program that writes down whom they are for.
  std::string sendmail() const {
    const std::string program = folder_.file("sendmail");
    std::ofstream(program) << "#!/bin/sh\ncat > /dev/null\n: > " << folder_.file("arguments")
                           << "\nwhile [ $# -gt 0 ]; do case $1 in *@*) a=$1;; esac; "
                              "shift; done\necho \"<$a>\" >> "
                           << folder_.file("arguments") << "\n";
    EXPECT_EQ(::chmod(program.c_str(), 0755), 0);
    configure("sendmail:" + program);
    return program;
  }
  // Typed at a terminal, where somebody answers.
  int answered(const std::string& answer, std::vector<std::string> words) const {
    words.insert(words.begin(), {"sekisho", "quarantine"});
    words.insert(words.end(), {"-c", folder_.file("conf")});
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    Terminal terminal;
    terminal.type(answer);
    int code = 0;
    {
      const test::Redirected in(0, terminal.path(), O_RDONLY | O_NOCTTY);
      const test::Redirected out(1, terminal.path(), O_WRONLY | O_NOCTTY);
      code = cli::run(static_cast<int>(argv.size()), argv.data());
    }
    terminal.text();
    return code;
  }
  // `list` at a terminal.
  std::string listed(std::vector<std::string> words) const {
    words.insert(words.begin(), {"sekisho", "quarantine", "list", "-c", folder_.file("conf")});
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    Terminal terminal;
    {
      const test::Redirected out(1, terminal.path(), O_WRONLY | O_NOCTTY);
      EXPECT_EQ(cli::run(static_cast<int>(argv.size()), argv.data()), ok);
    }
    return terminal.text();
  }

  test::TemporaryFolder folder_;
  test::Alarms alarms_;
};

std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST_F(Verbs, ATerminalGetsTheLatestHundred) {
  hold(0, 107);
  const auto table = listed({});
  EXPECT_EQ(lines(table), 102) << "title, rows, the rest";
  EXPECT_THAT(table, HasSubstr(held_id(106)));
  EXPECT_THAT(table, HasSubstr(held_id(7)));
  EXPECT_THAT(table, Not(HasSubstr(held_id(6))));
  EXPECT_THAT(table, HasSubstr("\n7 more: --limit 0 shows all"));
  EXPECT_EQ(lines(listed({"--limit", "0"})), 108);
  EXPECT_THAT(listed({"--limit", "3"}), HasSubstr("\n104 more"));
  EXPECT_THAT(listed({"--limit", "107"}), Not(HasSubstr("more:")));
  EXPECT_EQ(lines(listed({"--text", "message 10"})), 9) << "10 and 100 to 106";
  // Anything else gets all, or what it asks for, and nothing that is no row.
  EXPECT_EQ(lines(run({"list"}).out), 108);
  EXPECT_EQ(lines(run({"list", "--limit", "3"}).out), 4);
  EXPECT_EQ(lines(run({"list", "--json"}).out), 107);
  EXPECT_EQ(lines(run({"list", "--json", "--limit", "3"}).out), 3);
}

// Where nothing is held here, the answer is where it is, and not a folder that nobody needs.
TEST_F(Verbs, WhereTheMtaHoldsEveryVerbSaysWhatToDo) {
  const std::vector<std::vector<std::string>> verbs = {{"list"},
                                                       {"list", "--json"},
                                                       {"show", "K7Q2-4DMX"},
                                                       {"release", "K7Q2-4DMX"},
                                                       {"delete", "K7Q2-4DMX"},
                                                       {"expire"},
                                                       {"stats"},
                                                       {"verify"},
                                                       {"export", "K7Q2-4DMX", "--defang"}};
  for (const auto& [where, word] :
       {std::pair("mta", "postqueue -p"), std::pair("junk", "delivered")}) {
    std::ofstream(folder_.file("conf")) << "[quarantine]\nwhere = \"" << where << "\"\ndir = \""
                                        << folder_.file("no-store") << "\"\n";
    for (auto words : verbs) {
      SCOPED_TRACE(words.front());
      words.insert(words.begin(), "quarantine");
      words.insert(words.end(), {"-c", folder_.file("conf")});
      const auto ended = test::run_command(folder_, words);
      EXPECT_EQ(ended.code, no_input);
      EXPECT_EQ(ended.out, "");
      EXPECT_THAT(ended.err,
                  HasSubstr("sekisho: [quarantine] where = \"" + std::string(where) + "\""));
      EXPECT_THAT(ended.err, HasSubstr(word));
      EXPECT_THAT(ended.err, Not(HasSubstr("no-store")));
    }
  }
  configure("smtp:127.0.0.1:1");
  const auto store = test::run_command(folder_, {"quarantine", "list", "-c", folder_.file("conf")});
  EXPECT_THAT(store.err, Not(HasSubstr("postqueue")))
      << "where the store should be, its folder is missing";
}

TEST_F(Verbs, WhatChangesNothingSaysSo) {
  hold(1, 4);
  for (const char* verb : {"delete", "release"}) {
    auto ended = run({verb, "ALL", "--from", "nobody@example.com"});
    EXPECT_EQ(ended.code, no_input);
    EXPECT_THAT(ended.err, HasSubstr("nothing is held that matches: nothing is changed"));
    ended = run({verb, "-"}, " \n");
    EXPECT_EQ(ended.code, no_input);
    EXPECT_THAT(ended.err, HasSubstr("standard input names no id: nothing is changed"));
    ended = run({verb, held_id(7)});
    EXPECT_EQ(ended.code, no_input);
    EXPECT_THAT(ended.err, HasSubstr(held_id(7) + ": nothing is held under that id"));
  }
  ASSERT_EQ(run({"delete", held_id(1), held_id(2)}).code, ok);
  for (const char* verb : {"delete", "release"}) {
    const auto ended = run({verb, held_id(1), held_id(2)});
    EXPECT_EQ(ended.code, no_input);
    EXPECT_THAT(ended.err, HasSubstr(held_id(2) + ": it is deleted since "));
    EXPECT_THAT(ended.err, HasSubstr(std::string("nothing is ") + verb));
    EXPECT_THAT(ended.out, IsEmpty());
  }
  // With one that can be deleted, the first failure is the exit status, and something has changed.
  const auto ended = run({"delete", held_id(1), held_id(3)});
  EXPECT_EQ(ended.code, no_input);
  EXPECT_EQ(ended.out, held_id(3) + "  deleted\n");
  EXPECT_THAT(ended.err, Not(HasSubstr("nothing is deleted")));
}

// Everybody whom `number` is held for: one of these, and Taro or Kentaro.
quarantine::HeldRow held_for(std::uint64_t number, std::vector<std::string> recipients) {
  auto held = test::held_message(number);
  held.recipients = std::move(recipients);
  return held;
}

TEST_F(Verbs, ToMeansWhoItIsHeldForEverywhere) {
  hold_all({held_for(1, {"taro@example.jp"}), held_for(2, {"kentaro@example.jp"}),
            held_for(3, {"hanako@example.jp", "taro@example.jp"})});
  const std::vector<std::string> to = {"--to", "taro@example.jp"};
  EXPECT_EQ(lines(run({"list", to[0], to[1]}).out), 3) << "title and two rows";
  // Of before: a copy to somebody. It is told, and nothing is sent.
  auto ended = run({"release", held_id(1), "--to", "hanako@example.jp"});
  EXPECT_EQ(ended.code, usage);
  EXPECT_THAT(ended.err, HasSubstr("a filter needs ALL"));
  EXPECT_THAT(ended.err, HasSubstr("--deliver-to"));
  const std::string program = sendmail();
  ended = run({"release", "ALL", "--to", "kentaro@example.jp"});
  EXPECT_EQ(ended.code, ok) << ended.err;
  EXPECT_EQ(read("arguments"), "<kentaro@example.jp>\n");
  EXPECT_EQ(lines(run({"list"}).out), 3);
  // To somebody else, by name; and never all without a yes.
  ended = run({"release", "ALL", "--deliver-to", "admin@example.jp"});
  EXPECT_EQ(ended.code, usage);
  EXPECT_THAT(ended.err, HasSubstr("nothing is released: it would be all that matches, 2 messages, "
                                   "to <admin@example.jp> instead of whom it is held for"));
  ended = run({"release", held_id(3), "--deliver-to", "admin@example.jp"});
  EXPECT_EQ(ended.code, ok) << ended.err;
  EXPECT_EQ(read("arguments"), "<admin@example.jp>\n");
  EXPECT_THAT(run({"show", held_id(3)}).out, HasSubstr("copy to     <admin@example.jp>"));
  EXPECT_EQ(run({"release", "ALL", "--deliver-to", "admin@example.jp", "--yes"}).code, ok);
}

TEST_F(Verbs, DeleteAllAsksAndMeansWhomItNames) {
  hold_all({held_for(1, {"taro@example.jp"}), held_for(2, {"kentaro@example.jp"}),
            held_for(3, {"taro@example.jp"})});
  auto ended = run({"delete", "ALL", "--to", "taro@example.jp"});
  EXPECT_EQ(ended.code, usage);
  EXPECT_THAT(ended.err, HasSubstr("nothing is deleted: it would be 2 messages, nobody can be "
                                   "asked here, and --yes was not given"));
  EXPECT_EQ(lines(run({"list"}).out), 4);
  ended = run({"delete", "ALL", "--to", "taro"});
  EXPECT_EQ(ended.code, usage);
  EXPECT_THAT(ended.err, HasSubstr("write ~taro for a part"));
  EXPECT_EQ(answered("n\n", {"delete", "ALL", "--to", "taro@example.jp"}), usage);
  EXPECT_EQ(lines(run({"list"}).out), 4);
  EXPECT_EQ(answered("y\n", {"delete", "ALL", "--to", "taro@example.jp"}), ok);
  EXPECT_THAT(run({"list"}).out, HasSubstr(held_id(2)));
  EXPECT_EQ(lines(run({"list"}).out), 2);
  // It is in the log, and there is a way back.
  EXPECT_THAT(read("log"), HasSubstr("quarantine delete: id=" + held_id(1) + " by="));
  EXPECT_THAT(run({"show", held_id(1)}).out,
              HasSubstr("; `sekisho quarantine undelete` brings it back before "));
  EXPECT_EQ(run({"show", held_id(1), "--raw"}).out, "a: b\r\n\r\nx");
  ended = run({"undelete", held_id(1)});
  EXPECT_EQ(ended.code, ok) << ended.err;
  EXPECT_EQ(ended.out, held_id(1) + "  held again\n");
  EXPECT_THAT(read("log"), HasSubstr("quarantine undelete: id=" + held_id(1) + " by="));
  EXPECT_EQ(run({"undelete", "ALL", "--to", "taro@example.jp"}).out, held_id(3) + "  held again\n");
  EXPECT_EQ(run({"undelete", "ALL"}).code, no_input);
  EXPECT_EQ(run({"delete", "ALL", "--yes", "--now"}).code, ok);
  EXPECT_EQ(run({"undelete", held_id(2)}).code, no_input);
  EXPECT_THAT(run({"show", held_id(2)}).out, HasSubstr("; the message is gone"));
}

// Whoever searches a list for an address finds it.
TEST_F(Verbs, AProgramGetsTheWholeTable) {
  auto held = held_for(1, {"kentaro@example.jp", std::string(60, 'h') + "@example.jp"});
  held.author = std::string(60, 'a') + "@shop.example";
  held.subject = std::string(100, 's');
  hold_all({held});
  const auto table = run({"list"}).out;
  for (const auto& whole : {held.author, held.recipients[0], held.recipients[1], held.subject})
    EXPECT_THAT(table, HasSubstr(whole));
  EXPECT_THAT(table, HasSubstr("AUTHOR"));
  ::setenv("COLUMNS", "72", 1);
  const auto cut = run({"list"}).out;
  ::unsetenv("COLUMNS");
  EXPECT_THAT(cut, Not(HasSubstr(held.author)));
}

TEST_F(Verbs, AnIdIsTakenAsItIsCopied) {
  hold(1, 3);
  for (const std::string id : {"id=0000-0001", "(id=0000-0001)", "(id=0000-0001);", "0000-0001,",
                               "id=oooo-oool", "00000001"}) {
    EXPECT_EQ(run({"show", id}).code, ok) << id;
  }
  EXPECT_EQ(run({"delete", "-"}, "id=0000-0001\n(id=0000-0002)\n").code, ok);
}

TEST_F(Verbs, ABareLineEndIsToldWithWhatToDo) {
  hold(1, 2, "a: b\r\n\r\nx\ry\r\n");
  auto ended = run({"release", held_id(1)});
  EXPECT_EQ(ended.code, unavailable);
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_EQ(lines(ended.err), 1);
  EXPECT_THAT(ended.err, HasSubstr("still held: it has a bare CR or LF"));
  EXPECT_THAT(ended.err, HasSubstr("release_via = \"sendmail:/usr/sbin/sendmail\""));
  EXPECT_THAT(ended.err, HasSubstr("`sekisho quarantine show --raw 0000-0001`"));
  EXPECT_THAT(run({"show", held_id(1)}).out, HasSubstr("a bare CR or LF"));
  // Both ways are there.
  EXPECT_EQ(run({"show", "--raw", held_id(1)}).out, "a: b\r\n\r\nx\ry\r\n");
  const std::string program = folder_.file("sendmail");
  std::ofstream(program) << "#!/bin/sh\ncat > " << folder_.file("sent") << "\n";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  configure("sendmail:" + program);
  ended = run({"release", held_id(1)});
  EXPECT_EQ(ended.code, ok) << ended.err;
  EXPECT_THAT(test::read_file(folder_.file("sent")), HasSubstr("\na: b\n\nx\ry\n"));
}

}  // namespace
}  // namespace sekisho::cli
