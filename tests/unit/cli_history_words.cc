// What is typed after `sekisho history` and `sekisho explain`: whom a filter means, ids as they are
// copied, which configuration is meant; and the table that a program gets.
#include <cstdlib>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"
#include "support/history_command.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;
using test::from;
using test::run_command;
using testing::HasSubstr;
using testing::Not;

class HistoryWords : public test::HistoryTest {};

const char* const configuration = test::history_configuration;

TEST_F(HistoryWords, AnIdIsTakenAsItIsCopied) {
  const auto id = judge(from("bob@a.example", "bob@a.example"));
  for (const auto& copied : {"id=" + id, "(id=" + id + ")", "(id=" + id + ");", id + ","}) {
    EXPECT_EQ(run({"explain", copied}).code, ok) << copied;
    EXPECT_EQ(run({"explain", "-"}, copied + "\n").code, ok) << copied;
  }
  EXPECT_EQ(run({"explain", "4bXY:"}).code, ok) << "as a line of the MTA's begins";
}

// Whom a filter names is not a part of somebody else.
TEST_F(HistoryWords, AFilterByNameIsNoPartOfOne) {
  const auto id = judge(from("bob@a.example", "bob@a.example"));
  const auto found = [&](const char* option, const char* text) {
    return run({"history", option, text}).out.find(id) != std::string::npos;
  };
  EXPECT_TRUE(found("--from", "bob@a.example"));
  EXPECT_TRUE(found("--from", "a.example"));
  EXPECT_TRUE(found("--from", "~ob@a"));
  EXPECT_FALSE(found("--from", "ob@a.example"));
  EXPECT_TRUE(found("--to", "user@example.jp"));
  EXPECT_TRUE(found("--to", "@example.jp"));
  EXPECT_TRUE(found("--to", "us*@example.jp"));
  EXPECT_FALSE(found("--to", "ser@example.jp"));
  EXPECT_FALSE(found("--to", "mple.jp"));
  EXPECT_TRUE(found("--client", "192.0.2.0/24"));
  EXPECT_FALSE(found("--client", "198.51.100.0/24"));
  EXPECT_EQ(run({"history", "--to", "user"}).code, usage);
}

// What monitor mode kept from being done can be asked for.
TEST_F(HistoryWords, WhatWouldHaveBeenDone) {
  std::string text = configuration;
  text.replace(text.find("reject = "), 0, "monitor = true\n");
  configure(text);
  const auto id = judge(from("x@b.example", "ceo@a.example"));
  const auto other = judge(from("bob@a.example", "bob@a.example"));
  EXPECT_THAT(run({"history", "--action", "quarantine"}).out, Not(HasSubstr(id)));
  const auto would = run({"history", "--would", "quarantine"});
  EXPECT_THAT(would.out, HasSubstr("ACTION     WOULD      RULE"));
  EXPECT_THAT(would.out, HasSubstr(id + " tag        quarantine "));
  EXPECT_THAT(would.out, Not(HasSubstr(other)));
  EXPECT_THAT(run({"history", "--would", "reject"}).out, Not(HasSubstr(id)));
  EXPECT_EQ(run({"history", "--would", "rejected"}).code, usage);
  const auto object = json::parse(run({"history", "--json"}).out);
  EXPECT_EQ(object[0]["would"], "");
  EXPECT_EQ(object[1]["would"], "quarantine");
}

TEST_F(HistoryWords, AProgramGetsTheWholeTable) {
  auto letter = from(std::string(60, 'l') + "@a.example", "bob@a.example");
  letter.to = {"kentaro@example.jp", std::string(60, 'r') + "@example.jp"};
  judge(letter);
  const auto table = run({"history"}).out;
  for (const auto& whole : {letter.mail_from, letter.to[0], letter.to[1]})
    EXPECT_THAT(table, HasSubstr(whole));
}

// What a sender wrote is escaped for the terminal, and not for JSON before.
TEST_F(HistoryWords, WhatDiffersIsEscapedOnce) {
  const auto id = judge(from("\"a b\"@b.example", "bob@b.example"));
  write("quoted", "mfrom:\"a b\"@b.example proof=none skip=dnsbl\n");
  std::string text = configuration;
  text.replace(text.find("[\"allow\"]"), 9, "[\"quoted\"]");
  write("quoted.conf", text);
  EXPECT_THAT(run({"explain", id, "--with", path("quoted.conf")}).out,
              HasSubstr("\"entry\":\"mfrom:\"a b\"@b.example\""));
}

// --config is the configuration to work with, and --with the one to compare with. Where the former
// is named otherwise, --config means what it once did.
TEST_F(HistoryWords, ConfigHasOneMeaning) {
  const auto id = judge(from("x@b.example", "bob@b.example"));
  const std::string would = "would decide: reject by the rule spf";
  const auto words = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"explain", id});
    return run_command(folder_, more);
  };
  EXPECT_THAT(words({"-c", path("conf"), "--with", path("strict.conf")}).out, HasSubstr(would));
  EXPECT_THAT(words({"--config", path("conf"), "--with", path("strict.conf")}).out,
              HasSubstr(would));
  EXPECT_THAT(words({"-c", path("conf"), "--config", path("strict.conf")}).out, HasSubstr(would));
  EXPECT_THAT(words({"--dir", path("history"), "--config", path("strict.conf")}).out,
              HasSubstr(would));
  const auto alone = words({"--config", path("strict.conf")});
  EXPECT_EQ(alone.code, ok);
  EXPECT_THAT(alone.out, HasSubstr("The rules, in their order"));
  EXPECT_THAT(alone.err, HasSubstr("is told by --with " + path("strict.conf")));
  EXPECT_EQ(words({"-c", "a", "--config", "b", "--with", "c"}).code, usage);
}

}  // namespace

}  // namespace sekisho::cli
