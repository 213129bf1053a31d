// `sekisho history` and `sekisho explain` as a person and a program use them, on a history that the
// engine and the recorder made.
#include "cli/history.h"

#include <algorithm>
#include <fstream>
#include <regex>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "cli/exit_code.h"
#include "support/history_command.h"

namespace sekisho::cli {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::Ended;
using test::from;
using test::Letter;
using test::run_command;
using testing::HasSubstr;
using testing::Not;

class HistoryCommand : public test::HistoryTest {};

const char* const configuration = test::history_configuration;

TEST_F(HistoryCommand, TheTable) {
  const auto first = judge(from("bob@a.example", "bob@a.example"));
  const auto second = judge(from("x@b.example", "ceo@a.example"));
  ::setenv("COLUMNS", "80", 1);
  const auto shown = run({"history"});
  ::unsetenv("COLUMNS");
  EXPECT_EQ(shown.code, ok) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("RULE     ENVELOPE FROM        TO"));
  EXPECT_LT(shown.out.find(second), shown.out.find(first)) << "newest first";
  EXPECT_THAT(shown.out, HasSubstr(second + " quarantine dmarc    x@b.example"));
  for (std::size_t at = 0; at < shown.out.size();) {
    const auto end = shown.out.find('\n', at);
    EXPECT_LE(end - at, 80U) << shown.out.substr(at, end - at);
    at = end + 1;
  }
  EXPECT_THAT(run({"history", "--action", "accept"}).out, Not(HasSubstr(second)));
  EXPECT_THAT(run({"history", "--limit", "1"}).out, HasSubstr("and older ones"));
  EXPECT_THAT(run({"history", "--until", "1h"}).out, Not(HasSubstr(first)));
  EXPECT_THAT(run({"history", "--since", "1h", "--text", "INVOICE"}).out, HasSubstr(first));
  const auto object = json::parse(run({"history", "--json"}).out);
  EXPECT_EQ(object.size(), 2U);
  EXPECT_EQ(object[0]["id"], second);
  EXPECT_EQ(object[0]["to"][0], "user@example.jp");
}

// What the MTA holds is known to the history alone, by either id.
TEST_F(HistoryCommand, AnEntryFromWhatTheMtaHolds) {
  auto letter = from("x@b.example", "ceo@a.example");
  letter.client = "198.51.100.1";
  const auto id = judge(letter);
  for (const std::string& named : {id, std::string("4bXY")}) {
    write("allow", "");
    const auto ended = run({"allow", "add", "--yes", "--from-quarantine", named});
    EXPECT_EQ(ended.code, ok) << ended.err;
    EXPECT_EQ(test::read_file(path("allow")),
              "from:a.example proof=spf:b.example dmarc=accept note=\"held message " + id + "\"\n");
  }
  const auto accepted = judge(from("bob@a.example", "bob@a.example"));
  EXPECT_THAT(run({"allow", "add", "--from-quarantine", accepted}).err,
              HasSubstr("there is nothing to allow"));
  EXPECT_THAT(run({"allow", "add", "--from-quarantine", "0000-000Z"}).err,
              HasSubstr("neither the quarantine nor the history knows that id"));
}

TEST_F(HistoryCommand, ExplainsEveryRuleAndTheLineThatDecided) {
  const auto id = judge(from("x@b.example", "ceo@a.example"));
  const auto shown = run({"explain", id});
  EXPECT_EQ(shown.code, ok) << shown.err;
  for (const char* wanted :
       {"quarantine by the rule dmarc: p=reject, not corroborated", "queue id 4bXY",
        "client     unknown[192.0.2.10], HELO mx.a.example", "spf        fail  b.example",
        "exempt     says nothing: ",
        "author     says nothing: From names one author domain, a.example",
        "dmarc      DECIDES: quarantine, p=reject, not corroborated",
        "spf        not asked; it would say: tag, SPF fail for b.example",
        "if there were a DKIM signature of a.example that passes:  accept (dmarc)",
        "if a.example published p=none:  tag (spf)", "if dmarc.reject were always:  reject (dmarc)",
        "_dmarc.a.example TXT", "v=DMARC1; p=reject"}) {
    EXPECT_THAT(shown.out, HasSubstr(wanted));
  }
  EXPECT_THAT(shown.out, HasSubstr("dmarc.reject = \"corroborated\"  (" + path("conf") + ":7:1)"));
  // What would not have changed it is not said: an SPF pass of b.example aligns with nothing.
  EXPECT_THAT(shown.out, Not(HasSubstr("if SPF had passed for b.example")));
}

const char* const zen = "[[dnsbl]]\nname = \"zen\"\nlist = \"zen.test=127.0.0.[2..11]\"\n";

TEST_F(HistoryCommand, ExplainsAListInMonitorMode) {
  configure(std::string(configuration) + zen + "monitor = true\n");
  const auto id = judge(from("bob@a.example", "bob@a.example"));
  const auto shown = run({"explain", id}).out;
  EXPECT_THAT(shown, HasSubstr("lists      would decide, but is in monitor mode: reject, "
                               "192.0.2.10 is listed by zen (127.0.0.4)"));
  EXPECT_THAT(shown, HasSubstr("if nothing were in monitor mode:  reject (dnsbl:zen)"));
  const auto object = json::parse(run({"explain", id, "--json"}).out);
  for (const auto& rule : object["rules"][0]["rules"]) {
    if (rule["rule"] == "lists") {
      EXPECT_EQ(rule["action"], "reject");
    }
  }
}

TEST_F(HistoryCommand, ExplainsWhatTheAllowlistLetThrough) {
  write("allow", "mfrom:x@b.example dmarc=accept\n");
  configure(configuration);
  auto letter = from("x@b.example", "ceo@a.example");
  letter.client = "198.51.100.1";
  const auto shown = run({"explain", judge(letter)}).out;
  EXPECT_THAT(shown, HasSubstr("accept by the rule allowlist"));
  EXPECT_THAT(shown, HasSubstr("allowlist  DECIDES: accept, dmarc=accept by mfrom:x@b.example"));
  EXPECT_THAT(shown, Not(HasSubstr("no rule decides")));
  EXPECT_THAT(shown, HasSubstr("if the allowlist did not have mfrom:x@b.example"));
  EXPECT_THAT(shown, HasSubstr("quarantine (dmarc)"));
}

TEST_F(HistoryCommand, ExplainsARefusalAtRcpt) {
  configure(std::string(configuration) + zen);
  const auto id = refuse({"user@example.jp", "strict@example.jp"});
  const auto shown = run({"explain", id}).out;
  for (const char* wanted :
       {"reject by the rule dnsbl:zen", "at RCPT, before there was a message",
        "The rules, in their order, for <strict@example.jp>", "author     not known yet",
        "dmarc      not known yet", "lists      DECIDES: reject, 192.0.2.10 is listed by zen",
        "if the list zen had not listed 192.0.2.10:  not refused at RCPT",
        "if the allowlist had the entry: ip:192.0.2.10 skip=all:  not refused at RCPT",
        "if the client were in [trust] networks:  accept (exempt)"}) {
    EXPECT_THAT(shown, HasSubstr(wanted));
  }
  for (const char* unwanted : {"malformed", "dmarc.author", "dkim       none", "SPF had"}) {
    EXPECT_THAT(shown, Not(HasSubstr(unwanted)));
  }
  const auto object = json::parse(run({"explain", id, "--json"}).out);
  EXPECT_TRUE(object["author"].is_null());
  EXPECT_EQ(object["rules"].size(), 2U);
  for (const auto& rule : object["rules"][0]["rules"]) {
    if (rule["rule"] == "lists") {
      EXPECT_EQ(rule["said"], "spoke");
    }
    if (rule["rule"] == "dmarc") {
      EXPECT_EQ(rule["said"], "not-yet");
    }
  }
  EXPECT_THAT(run({"explain", id, "--replay"}).out, HasSubstr("equal: reject"));
}

TEST_F(HistoryCommand, AnotherConfigurationThatWouldNotRefuseAtRcpt) {
  configure(std::string(configuration) + zen);
  const auto id = refuse({"user@example.jp"});
  const auto one = run({"explain", id, "--config", path("strict.conf")}).out;
  EXPECT_THAT(one, HasSubstr("strict.conf would not have refused it at RCPT: what the message "
                             "would have come to is not known"));
  EXPECT_THAT(one, Not(HasSubstr("default")));
  const auto all = run({"history", "--config", path("strict.conf")}).out;
  EXPECT_THAT(all, HasSubstr("1 reject → not refused at RCPT"));
  EXPECT_THAT(all, HasSubstr("reject → not refused at RCPT     bob@a.example"));
  const auto object = json::parse(run({"history", "--config", path("strict.conf"), "--json"}).out);
  EXPECT_EQ(object[0]["would_be"]["action"], "not refused at RCPT");
  EXPECT_EQ(object[0]["would_be"]["rule"], "");
}

TEST_F(HistoryCommand, NamesTheEntryForTheRecipient) {
  auto letter = from("x@b.example", "ceo@a.example");
  letter.to = {"strict@example.jp"};
  const auto shown = run({"explain", judge(letter)}).out;
  EXPECT_THAT(shown, HasSubstr("[[policy]] number 1, dmarc.reject = \"always\"  (" + path("conf") +
                               ":10:7)"));
  letter.to.emplace_back("user@example.jp");
  const auto both = run({"explain", judge(letter)}).out;
  EXPECT_THAT(both, HasSubstr("The rules, in their order, for <strict@example.jp>"));
  EXPECT_THAT(both, HasSubstr("The rules, in their order, for <user@example.jp>"));
  EXPECT_THAT(both, HasSubstr("For each recipient"));
}

TEST_F(HistoryCommand, ExplainsAsJson) {
  const auto id = judge(from("x@b.example", "ceo@a.example"));
  const auto object = json::parse(run({"explain", id, "--json"}).out);
  EXPECT_EQ(object["id"], id);
  EXPECT_EQ(object["verdict"]["rule"], "dmarc");
  for (const auto& rule : object["rules"][0]["rules"]) {
    if (rule["rule"] != "dmarc") continue;
    EXPECT_EQ(rule["said"], "spoke");
    EXPECT_EQ(rule["place"], path("conf") + ":7:1");
  }
  EXPECT_FALSE(object["what_if"].empty());
  EXPECT_FALSE(object["answers"].empty());
  EXPECT_EQ(object["configuration"], snapshot_->digest);
}

TEST_F(HistoryCommand, TellsWhyAnotherWasRefusedAtRcpt) {
  gate_->judge(from("bob@a.example", "bob@a.example"));
  auto decided = std::make_shared<session::Decided>(*gate_->recorder().decisions().back());
  auto& facts = decided->outcome.facts;
  policy::Decision refusal;
  refusal.action = policy::Action::reject;
  refusal.rule = "dnsbl:zen";
  refusal.reason = "192.0.2.10 is listed: 127.0.0.4";
  refusal.reply = mail::SmtpReply(554, "5.7.1", "blocked using zen");
  facts.refused_recipients = {"other@example.jp"};
  decided->outcome.verdict.refused = {{"other@example.jp", refusal}};
  recorder_->add(decided);
  ASSERT_TRUE(recorder_->flush(10s));
  const auto shown = run({"explain", facts.id}).out;
  EXPECT_THAT(shown, HasSubstr("  refused    <other@example.jp> by dnsbl:zen  (192.0.2.10 is "
                               "listed: 127.0.0.4)\n             554 5.7.1 blocked using zen\n"));
  const auto object = json::parse(run({"explain", facts.id, "--json"}).out);
  EXPECT_EQ(object["verdict"]["action"], "accept");
  EXPECT_EQ(object["verdict"]["refused"][0]["to"], "other@example.jp");
  EXPECT_EQ(object["verdict"]["refused"][0]["rule"], "dnsbl:zen");
  EXPECT_EQ(run({"explain", facts.id, "--replay"}).code, ok);
  EXPECT_THAT(run({"history", "--action", "reject"}).out, HasSubstr(facts.id + " accept*    "));
  const auto rows = json::parse(run({"history", "--rule", "dnsbl:zen", "--json"}).out);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["refused"][0]["action"], "reject");
}

TEST_F(HistoryCommand, IsFoundByQueueIdAndInAnyCase) {
  const auto id = judge(from("bob@a.example", "bob@a.example"));
  std::string spoken = id;
  std::transform(spoken.begin(), spoken.end(), spoken.begin(), ascii::to_lower);
  for (const auto& name : {id, spoken, std::string("4bXY")}) {
    EXPECT_THAT(run({"explain", name}).out, HasSubstr(id)) << name;
  }
  const auto missing = run({"explain", "ZZZZ-ZZZZ"});
  EXPECT_EQ(missing.code, no_input);
  EXPECT_THAT(missing.err, HasSubstr("no such id or queue id"));
}

TEST_F(HistoryCommand, Replays) {
  const auto first = judge(from("bob@a.example", "bob@a.example"));
  const auto second = judge(from("x@b.example", "ceo@a.example"));
  EXPECT_THAT(run({"explain", first, "--replay"}).out, HasSubstr(first + ": equal: accept"));
  for (const auto& all : {run({"explain", "ALL", "--replay"}),
                          run({"explain", "-", "--replay"}, first + "\n" + second + "\n")}) {
    EXPECT_EQ(all.code, ok);
    EXPECT_EQ(all.out, "2 decisions made again, 2 equal\n");
  }
}

// A replay that could not fail would prove nothing: a record that says something else is told.
TEST_F(HistoryCommand, AReplayThatDiffersSaysWhatAndEndsWithOne) {
  gate_->judge(from("x@b.example", "ceo@a.example"));
  auto changed = *gate_->recorder().decisions().back();
  changed.outcome.verdict.message.action = policy::Action::accept;
  changed.outcome.facts.spf_mail_from.code = spf::Code::pass;
  recorder_->add(std::make_shared<const session::Decided>(changed));
  ASSERT_TRUE(recorder_->flush(10s));
  const auto shown = run({"explain", changed.outcome.facts.id, "--replay"});
  EXPECT_EQ(shown.code, 1);
  EXPECT_THAT(shown.out, HasSubstr("differs"));
  EXPECT_THAT(shown.out, HasSubstr("verdict.action: accept, replayed as quarantine"));
}

TEST_F(HistoryCommand, AnotherConfiguration) {
  const auto id = judge(from("x@b.example", "x@b.example"));
  const auto one = run({"explain", id, "--config", path("strict.conf")});
  EXPECT_EQ(one.code, ok) << one.err;
  EXPECT_THAT(one.out, HasSubstr(id + ": was tag by the rule spf; " + path("strict.conf") +
                                 " would decide: reject by the rule spf: SPF fail for b.example"));
  judge(from("bob@a.example", "bob@a.example"));
  const auto all = run({"history", "--config", path("strict.conf")});
  EXPECT_THAT(all.out, HasSubstr("2 decisions made again"));
  EXPECT_THAT(all.out, HasSubstr("1 tag → reject"));
  EXPECT_THAT(all.out, HasSubstr(id));
}

TEST_F(HistoryCommand, NamesQuestionsThatWereNotAskedAtTheTime) {
  auto letter = from("bob@a.example", "bob@a.example");
  letter.client = "127.0.0.1";
  const auto id = judge(letter);
  write("open.conf", std::string(configuration) + "[trust]\nnetworks = []\n");
  EXPECT_THAT(run({"explain", id, "--config", path("open.conf")}).out,
              HasSubstr("not recorded, taken as a temporary failure: a.example TXT"));
}

TEST_F(HistoryCommand, ExitCodes) {
  write("off.conf", "[history]\ndir = \"\"\n");
  EXPECT_EQ(run_command(folder_, {"history", "-c", path("off.conf")}).code, unavailable);
  EXPECT_EQ(run_command(folder_, {"history", "--dir", path("nowhere")}).code, no_input);
  const struct {
    std::vector<std::string> words;
    const char* says;
  } wrong[] = {
      {{"--since", "yesterday"}, "--since: expected a time as 2026-11-21T09:30:00Z"},
      {{"--until", "2026-13-01"}, "--until: expected a time"},
      {{"--action", "rejct"}, "--action: one of accept, tag, quarantine, tempfail, reject"},
      {{"--action", "REJECT"}, "--action: one of"},
      {{"--limit", "many"}, "a whole number from 0"},
      {{"--limit", "-1"}, "a whole number from 0"},
      {{"--limit", "1.5"}, "a whole number from 0"},
      {{"--limit", "99999999999999999999"}, "a whole number from 0"},
      {{"--client", "192.0.2.0/33"}, "--client: an address, a network as 192.0.2.0/24"},
      {{"--client", "192.0.2.1/24"}, "did you mean 192.0.2.0/24"},
  };
  for (const auto& each : wrong) {
    auto words = each.words;
    words.insert(words.begin(), "history");
    const auto ended = run(words);
    EXPECT_EQ(ended.code, usage) << words[1] << words[2];
    EXPECT_THAT(ended.err, HasSubstr(each.says));
    EXPECT_EQ(ended.out, "") << words[1];
  }
  EXPECT_EQ(run({"history", "--limit", "0", "--action", "tempfail", "--client", "a/b"}).code,
            usage);
  for (const auto& words : {std::vector<std::string>{"--since", "yesterday"},
                            {"--until", "2 d"},
                            {"--state", "hold"},
                            {"--limit", "-1"},
                            {"--limit", "few"}}) {
    const auto ended = run({"quarantine", "list", words[0], words[1]});
    EXPECT_EQ(ended.code, usage) << words[0];
    EXPECT_THAT(ended.err, HasSubstr(words[0] + ": ")) << words[0];
  }
  EXPECT_EQ(run({"explain"}).code, usage);
  EXPECT_EQ(run({"explain", "ALL", "--config", path("absent.conf")}).code, config);
  const auto unknown = run_command(folder_, {"histroy"});
  EXPECT_EQ(unknown.code, usage);
  EXPECT_THAT(unknown.err, HasSubstr("there is no command histroy: did you mean history?"));
}

// What is only looked at needs no lists, and a damaged one must not be in the way.
TEST_F(HistoryCommand, DamagedListsAreInNobodysWay) {
  const auto id = judge(from("x@b.example", "ceo@a.example"));
  std::string text = configuration;
  text.replace(text.find("[\"example.jp\"]"), 14, "\"file:gone\"");
  text += "[control]\nsocket = \"" + path("none.sock") + "\"\n[quarantine]\ndir = \"" +
          path("held") + "\"\n[[dnsbl]]\nname = \"zen\"\nlist_file = \"gone\"\n";
  write("conf", text);
  write("allow", "nonsense\n");
  EXPECT_THAT(run({"history"}).out, HasSubstr(id));
  const auto told = run({"explain", id});
  EXPECT_EQ(told.code, ok) << told.err;
  EXPECT_THAT(told.out, HasSubstr("DECIDES"));
  EXPECT_EQ(told.err, "");
  for (const char* verb : {"status", "reload"}) {
    const auto ended = run({verb});
    EXPECT_EQ(ended.code, unavailable) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("none.sock")) << "the socket of the configuration";
    EXPECT_THAT(ended.err, Not(HasSubstr("gone")));
  }
  EXPECT_NE(run({"quarantine", "list"}).code, config);
  EXPECT_THAT(run({"quarantine", "list"}).err, Not(HasSubstr("gone")));
  for (const auto& words :
       {std::vector<std::string>{"config", "check"}, std::vector<std::string>{"config", "dump"}}) {
    EXPECT_EQ(run(words).code, config) << words[1];
  }
}

TEST_F(HistoryCommand, IsExplainedWithoutThePublicSuffixList) {
  std::string text = configuration;
  text.replace(text.find("reject ="), 0, "discovery = \"psl\"\npublic_suffix_list = \"psl\"\n");
  write("psl", "example\njp\n");
  configure(text);
  const auto id = judge(from("x@b.example", "ceo@a.example"));
  EXPECT_THAT(run({"explain", id, "--replay"}).out, HasSubstr("equal"));
  ASSERT_EQ(::unlink(path("psl").c_str()), 0);
  const auto told = run({"explain", id});
  EXPECT_EQ(told.code, ok) << told.err;
  EXPECT_THAT(told.out, HasSubstr("DECIDES"));
  EXPECT_THAT(told.out, HasSubstr("dmarc.public_suffix_list"));
  EXPECT_THAT(run({"explain", id, "--replay"}).out, HasSubstr("cannot be made again"));
}

TEST_F(HistoryCommand, WhatTheSenderWroteDoesNotSteerATerminal) {
  auto letter = from("\x1b[2J@\x07", "\"\x1b]0;evil\x07\" <x@b.example>");
  letter.helo = "\x1b[31m";
  letter.to = {"a\x1b[2J@x", "b\x07@x"};
  // U+202E turns the line round; U+009B begins an escape sequence on some terminals.
  letter.fields.push_back({"Subject",
                           " \x1b[2J\xe2\x80\xae\x9b\xc2\x9b"
                           "31m"});
  letter.fields.push_back({"DKIM-Signature", " v=1; d=\x1b[31m; s=\x9b"});
  const auto id = judge(letter);
  for (const auto& shown : {run({"history"}), run({"history", "--json"}), run({"explain", id}),
                            run({"explain", id, "--json"}), run({"explain", id, "--replay"}),
                            run({"explain", id, "--config", path("strict.conf")}),
                            run({"history", "--config", path("strict.conf")})}) {
    for (const auto& text : {shown.out, shown.err}) {
      EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
      })) << text;
      EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));
      EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
    }
  }
}

}  // namespace

}  // namespace sekisho::cli
