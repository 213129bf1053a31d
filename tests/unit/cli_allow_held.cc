// `sekisho allow add --from-quarantine` and `sekisho quarantine release --allow`: what a held
// message can prove becomes an entry; what it cannot, or what would be more than one entry, does
// not.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"
#include "policy/access_file.h"
#include "quarantine/envelope.h"
#include "record/held.h"
#include "support/command_run.h"
#include "support/held_messages.h"
#include "support/scripted_server.h"
#include "support/spool_store.h"

namespace sekisho::cli {
namespace {

using policy::Action;
using test::Ended;
using testing::HasSubstr;
using testing::Not;

// List mail under p=reject: the author's signature is broken, the list's own is good.
policy::Facts list_mail(const std::string& id) {
  policy::Facts facts;
  facts.id = id;
  facts.client.address = mail::IpAddress::parse("198.51.100.7").value();
  facts.mail_from = "owner-net+m123@lists.bsd.example";
  facts.recipients = {"user@example.jp"};
  facts.author.result = mail::Author::Result::one;
  facts.author.mailboxes = {mail::Mailbox::parse("ann@bank.example").value()};
  facts.author.domains = {facts.author.mailboxes[0].domain};
  facts.spf_mail_from.domain = "lists.bsd.example";
  facts.traces.fields = {"List-Id", "List-Post"};
  facts.dkim.resize(2);
  facts.dkim[0].code = dkim::Code::fail;
  facts.dkim[0].domain = "bank.example";
  facts.dkim[1].code = dkim::Code::pass;
  facts.dkim[1].domain = "lists.bsd.example";
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.from = "bank.example";
  return facts;
}

policy::Decision quarantined(std::string rule = "dmarc") {
  policy::Decision decision;
  decision.action = Action::quarantine;
  decision.rule = std::move(rule);
  decision.reason = "p=reject, not corroborated";
  return decision;
}

class AllowHeld : public testing::Test {
 protected:
  AllowHeld() {
    write("allow", "# lists\nip:192.0.2.1 skip=dnsbl\n");
    write("log", "");
    configure("smtp:127.0.0.1:1");
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const { return test::read_file(path(name)); }
  void configure(const std::string& release_via, const std::string& more = "") const {
    write("conf", "[allowlist]\nfiles = [\"" + path("allow") +
                      "\"]\n[log]\ntarget = \"file:" + path("log") +
                      "\"\n[identity]\ndomains = [\"example.jp\"]\n[denylist]\nfiles = "
                      "[]\n[history]\ndir = \"\"\n[quarantine]\nwhere = "
                      "\"store\"\ndir = \"" +
                      path(more.empty() ? "store" : "nowhere") + "\"\nrelease_via = \"" +
                      release_via + "\"\n" + more);
  }
  // In the store, with this for its record.
  std::string hold(std::uint64_t number, policy::Facts facts,
                   policy::Decision decision = quarantined()) const {
    quarantine::Options options;
    options.dir = path("store");
    auto store = quarantine::Store::open(options, quarantine::Access::owner, alarms_.sink());
    EXPECT_TRUE(store);
    auto held = test::held_message(number);
    held.mail_from = facts.mail_from.raw();
    held.recipients = mail::raw_texts(facts.recipients);
    held.client = policy::client_text(facts.client);
    held.rule = decision.rule;
    facts.id = held.id;
    policy::Verdict verdict;
    verdict.message = decision;
    for (const auto& to : facts.recipients) verdict.recipients.push_back({to.raw(), decision});
    quarantine::Envelope envelope;
    for (const auto& to : facts.recipients) envelope.recipients.push_back({to});
    auto draft = (*store)->draft();
    draft.append(test::held_octets(number, 200));
    test::Puts puts;
    session::Outcome outcome;
    outcome.facts = facts;
    outcome.verdict = verdict;
    (*store)->hold(std::move(draft), held, {envelope.json(), record::write_held(outcome)},
                   puts.done());
    EXPECT_TRUE(puts.wait().front().has_value());
    return held.id;
  }
  Ended run(std::vector<std::string> words) const {
    words.insert(words.end(), {"--config", path("conf")});
    return test::run_command(folder_, std::move(words));
  }
  Ended add(std::vector<std::string> more) const {
    more.insert(more.begin(), {"allow", "add", "--yes", "--from-quarantine"});
    return run(std::move(more));
  }
  std::string state_of(const std::string& id) const {
    const auto ended = run({"quarantine", "show", "--json", id});
    return nlohmann::json::parse(ended.out).at("state");
  }

  test::TemporaryFolder folder_;
  test::Alarms alarms_;
};

TEST_F(AllowHeld, AStoreThatCannotBeReadIsNotTakenForOneWithoutTheMessage) {
  const auto id = hold(1, list_mail(""));
  for (const char* part : {"-wal", "-shm"}) ::unlink((path("store/index.db") + part).c_str());
  write("store/index.db", std::string(8192, 'x'));
  const auto ended = add({id});
  EXPECT_NE(ended.code, ok);
  EXPECT_THAT(ended.err, HasSubstr(path("store")));
  EXPECT_THAT(ended.err, Not(HasSubstr("neither the quarantine nor the history")));
}

TEST_F(AllowHeld, WhatItProvesIsAdded) {
  const auto id = hold(1, list_mail(""));
  const std::string before = read("allow");
  const auto ended = add({id});
  EXPECT_EQ(ended.code, ok) << ended.err;
  const std::string entry = "dkim:lists.bsd.example dmarc=accept note=\"held message 0000-0001\"";
  EXPECT_EQ(ended.out,
            "0000-0001  quarantine  rule=dmarc  (p=reject, not corroborated)\n"
            "entry      " +
                entry +
                "\n"
                "           would let it through, proven by dkim=pass with "
                "d=lists.bsd.example\n"
                "           but it lets through all that lists.bsd.example signs, whoever is in "
                "From: for a provider of bulk mail, all of its customers, under any name\n" +
                path("allow") + ": added " + entry + "\n");
  EXPECT_EQ(read("allow"), before + entry + "\n");
  EXPECT_EQ(state_of(id), "held");
}

// With a listener it lies in the folder of the queue.
TEST_F(AllowHeld, WhatTheQueueHoldsIsFound) {
  const auto id = hold(1, list_mail(""));
  configure("smtp:127.0.0.1:1", "[[listener]]\nprofile = \"mx\"\ntls = \"off\"\n[queue]\ndir = \"" +
                                    path("store") + "\"\n");
  EXPECT_EQ(add({id}).code, ok);
  EXPECT_THAT(read("allow"), HasSubstr("dkim:lists.bsd.example dmarc=accept"));
}

TEST_F(AllowHeld, NoteDateAndFileAsWithAnyEntry) {
  const auto id = hold(1, list_mail(""));
  write("other", "");
  EXPECT_EQ(add({id, "--note", "net@", "--until", "2999-01-31", "--file", path("other")}).code, ok);
  EXPECT_EQ(read("other"), "dkim:lists.bsd.example dmarc=accept until=2999-01-31 note=\"net@\"\n");
  EXPECT_THAT(add({id, "--until", "2020-01-31"}).err, HasSubstr("is over already"));
  EXPECT_THAT(add({id, "--until", "soon"}).err, HasSubstr("until= takes a date"));
}

TEST_F(AllowHeld, WithoutProofNothingIsAdded) {
  auto facts = list_mail("");
  facts.dkim[1].code = dkim::Code::fail;
  const auto id = hold(1, facts);
  const std::string before = read("allow");
  const auto ended = add({id});
  EXPECT_EQ(ended.code, data_error);
  EXPECT_THAT(ended.err, HasSubstr("0000-0001: no entry: this message proves nothing: dmarc=fail"));
  EXPECT_THAT(ended.err, HasSubstr("ip:198.51.100.7"));
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(read("allow"), before);
}

TEST_F(AllowHeld, ADryRunAddsNothing) {
  const auto id = hold(1, list_mail(""));
  const std::string before = read("allow");
  const auto ended = add({id, "--dry-run"});
  EXPECT_EQ(ended.code, ok);
  EXPECT_THAT(ended.out, HasSubstr("entry      dkim:lists.bsd.example dmarc=accept"));
  EXPECT_EQ(read("allow"), before);
}

TEST_F(AllowHeld, OnceOnly) {
  const auto id = hold(1, list_mail(""));
  EXPECT_EQ(add({id}).code, ok);
  const std::string after = read("allow");
  const auto again = add({id});
  EXPECT_EQ(again.code, data_error);
  EXPECT_THAT(again.err,
              HasSubstr("dkim:lists.bsd.example stands in " + path("allow") + ":3 already\n"));
  EXPECT_EQ(read("allow"), after);
  write("allow", "dkim:lists.bsd.example skip=dnsbl\n");
  EXPECT_THAT(add({id}).err, HasSubstr("already: edit it there"));
  write("allow", "dkim:lists.bsd.example dmarc=accept until=2020-01-31\n");
  EXPECT_EQ(add({id}).code, ok) << "one that has expired is none";
}

TEST_F(AllowHeld, OtherEntriesOfTheListAreMinded) {
  auto facts = list_mail("");
  facts.dkim.clear();
  facts.spf_mail_from.code = spf::Code::pass;
  const auto id = hold(1, facts);
  write("allow", "mfrom:owner-net+m123@lists.bsd.example skip=dnsbl\n");
  const auto refused = add({id});
  EXPECT_EQ(refused.code, data_error);
  EXPECT_THAT(refused.err, HasSubstr("mfrom:lists.bsd.example would do nothing"));
  write("allow", "mfrom:.bsd.example skip=rhsbl\n");
  const auto ended = add({id});
  EXPECT_EQ(ended.code, ok);
  EXPECT_THAT(ended.out, HasSubstr("but it is more specific than mfrom:.bsd.example (" +
                                   path("allow") + ":1): for it, skip=rhsbl ends\n"));
}

// The address is the sender's own text.
TEST_F(AllowHeld, AHostileAddressIsOneEntryOrNone) {
  std::uint64_t number = 0;
  for (const char* local : {"x\" skip=all note=\"", "x y#z", "a\\\"b", "from:c.example",
                            "\xe6\x97\xa5", "x'$(id)`id`"}) {
    auto facts = list_mail("");
    facts.dkim.clear();
    facts.author.mailboxes = {{local, facts.author.domains[0]}};
    facts.dmarc.code = dmarc::Code::pass;
    write("allow", "");
    const auto ended = add({hold(++number, facts, quarantined("dnsbl:zen"))});
    EXPECT_EQ(ended.code, ok) << local << ": " << ended.err;
    const auto file = policy::parse_access_file(read("allow"), "allow", policy::AccessKind::allow);
    EXPECT_TRUE(file.findings.empty()) << read("allow");
    ASSERT_EQ(file.entries.size(), 1U) << read("allow");
    EXPECT_EQ(file.entries[0].local_part, local);
    EXPECT_EQ(to_text(file.entries[0].effect), "skip=dnsbl") << read("allow");
  }
}

TEST_F(AllowHeld, WhatIsAskedWrongly) {
  const auto id = hold(1, list_mail(""));
  EXPECT_EQ(add({id, "ip:192.0.2.2", "skip=dnsbl"}).code, usage);
  EXPECT_EQ(add({id, "--deny"}).code, usage);
  EXPECT_EQ(run({"allow", "add", "ip:192.0.2.2", "skip=dnsbl", "--dry-run"}).code, usage);
  EXPECT_EQ(run({"allow", "add"}).code, usage);
  EXPECT_EQ(run({"quarantine", "release", id, "--yes"}).code, usage);
  const auto unknown = add({"0000-000Z"});
  EXPECT_EQ(unknown.code, no_input);
  EXPECT_THAT(unknown.err, HasSubstr("0000-000Z: "));
  EXPECT_EQ(add({"\x1b[2J"}).code, no_input);
}

// A person is asked; what is no yes is a no.
TEST_F(AllowHeld, AtATerminalItAsks) {
  const auto id = hold(1, list_mail(""));
  const std::string before = read("allow");
  const auto answered = [&](const std::string& answer, std::vector<std::string> options) {
    const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_EQ(::grantpt(master.get()), 0);
    EXPECT_EQ(::unlockpt(master.get()), 0);
    const std::string name = ::ptsname(master.get());
    const UniqueFd slave(::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_EQ(::write(master.get(), answer.data(), answer.size()),
              static_cast<ssize_t>(answer.size()));
    std::vector<std::string> words = {"sekisho", "allow",    "add",       "--from-quarantine",
                                      id,        "--config", path("conf")};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    const test::Redirected in(0, name, O_RDONLY | O_NOCTTY);
    const test::Redirected out(1, name, O_WRONLY | O_NOCTTY);
    return cli::run(static_cast<int>(argv.size()), argv.data());
  };
  EXPECT_EQ(answered("n\n", {}), ok);
  EXPECT_EQ(answered("\n", {}), ok);
  EXPECT_EQ(read("allow"), before);
  EXPECT_EQ(answered("y\n", {}), ok);
  EXPECT_NE(read("allow"), before);
  write("allow", before);
  EXPECT_EQ(answered("n\n", {"--yes"}), ok);
  EXPECT_NE(read("allow"), before);
}

std::vector<std::string> taken_by_the_mta() {
  return {
      "220 mx ESMTP\r\n", "250-mx\r\n250 DSN\r\n",         "250 2.0.0 Ok\r\n", "250 2.0.0 Ok\r\n",
      "354 go\r\n",       "250 2.0.0 Ok: queued as X\r\n", "221 bye\r\n"};
}

TEST_F(AllowHeld, ReleasedAndAllowed) {
  const auto one = hold(1, list_mail(""));
  const auto two = hold(2, list_mail(""));
  for (const auto& id : {one, two}) {
    test::ScriptedServer mta(taken_by_the_mta());
    configure("smtp:127.0.0.1:" + std::to_string(mta.port()));
    const auto ended = run({"quarantine", "release", "--allow", "--yes", id});
    EXPECT_EQ(ended.code, ok) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr(id + "  released: 250 2.0.0 Ok"));
    EXPECT_EQ(state_of(id), "delivered");
  }
  // The second found the entry of the first.
  EXPECT_EQ(read("allow"),
            "# lists\nip:192.0.2.1 skip=dnsbl\ndkim:lists.bsd.example dmarc=accept note=\"held "
            "message 0000-0001\"\n");
}

// A program that says nothing has not said yes.
TEST_F(AllowHeld, WhereNobodyCanBeAskedYesMustBeSaid) {
  const auto id = hold(1, list_mail(""));
  const std::string before = read("allow");
  for (const auto& words : {std::vector<std::string>{"allow", "add", "--from-quarantine", id},
                            std::vector<std::string>{"quarantine", "release", "--allow", id}}) {
    const auto ended = run(words);
    EXPECT_EQ(ended.code, usage);
    EXPECT_THAT(ended.err, HasSubstr("nothing is added: nobody can be asked here, and --yes"));
    EXPECT_EQ(read("allow"), before);
    EXPECT_EQ(state_of(id), "held");
  }
}

// The three ways to an entry say the same of it, and whom else it lets in.
TEST_F(AllowHeld, ANewsletterGetsAnEntryForItsAuthorAndItsSender) {
  auto facts = list_mail("");
  facts.traces.fields.clear();
  const auto id = hold(1, facts);
  const std::string entry = "from:bank.example proof=dkim:lists.bsd.example dmarc=accept";
  const std::string caution =
      "but it lets through whoever may have lists.bsd.example sign and writes bank.example into "
      "From:";
  auto ended = add({id, "--dry-run"});
  EXPECT_THAT(ended.out, HasSubstr("entry      " + entry));
  EXPECT_THAT(ended.out, HasSubstr(caution));
  ended = run({"quarantine", "release", "--allow", "--yes", id});
  EXPECT_THAT(ended.out, HasSubstr(caution));
  EXPECT_THAT(read("allow"), HasSubstr("\n" + entry + " note="));
  ended = add({id});
  EXPECT_THAT(ended.err, HasSubstr("from:bank.example stands in " + path("allow") + ":3 already"));
}

// To let a stranger write in our name is no answer to one message.
TEST_F(AllowHeld, NothingIsProposedForOurOwnName) {
  auto facts = list_mail("");
  facts.author.mailboxes = {mail::Mailbox::parse("ceo@example.jp").value()};
  facts.author.domains = {facts.author.mailboxes[0].domain};
  facts.dmarc.from = "example.jp";
  const std::string before = read("allow");
  const auto ended = add({hold(1, facts)});
  EXPECT_EQ(ended.code, data_error);
  EXPECT_THAT(ended.err, HasSubstr("its author is of our own domain example.jp"));
  EXPECT_EQ(read("allow"), before);
}

// Who did what, in the log and with the message.
TEST_F(AllowHeld, WhoAllowedAndReleasedWhatIsTold) {
  const auto id = hold(1, list_mail(""));
  test::ScriptedServer mta(taken_by_the_mta());
  configure("smtp:127.0.0.1:" + std::to_string(mta.port()));
  ::setenv("SUDO_USER", "hana\nko", 1);
  EXPECT_EQ(run({"quarantine", "release", "--allow", "--yes", id}).code, ok);
  ::unsetenv("SUDO_USER");
  const auto log = read("log");
  const std::string by = "uid=" + std::to_string(::getuid()) + " sudo_user=\"hana\\x0ako\" result=";
  EXPECT_THAT(log, testing::ContainsRegex("sekisho\\[[0-9]+\\] info: allow add: by="));
  EXPECT_THAT(log, HasSubstr(by + "\"" + path("allow") + ": dkim:lists.bsd.example dmarc=accept"));
  EXPECT_THAT(log, HasSubstr("quarantine release: id=" + id + " by="));
  EXPECT_THAT(log, HasSubstr(by + "\"to <user@example.jp>: 250 2.0.0 Ok"));
  const auto shown = run({"quarantine", "show", id}).out;
  EXPECT_THAT(shown,
              HasSubstr("(sudo: hana\\x0ako): allowed: dkim:lists.bsd.example dmarc=accept"));
  EXPECT_THAT(shown, HasSubstr("(sudo: hana\\x0ako): released to <user@example.jp>: 250 2.0.0 Ok"));
  const auto object = nlohmann::json::parse(run({"quarantine", "show", "--json", id}).out);
  ASSERT_EQ(object["acts"].size(), 2U);
  EXPECT_THAT(object["acts"][1]["by"], testing::EndsWith(" (sudo: hana\nko)"));
}

TEST_F(AllowHeld, WhatProvesNothingIsNotReleasedByTheWay) {
  auto facts = list_mail("");
  facts.dkim.clear();
  const auto id = hold(1, facts);
  const auto ended = run({"quarantine", "release", "--allow", id});
  EXPECT_EQ(ended.code, data_error);
  EXPECT_THAT(ended.err, HasSubstr("this message proves nothing"));
  EXPECT_THAT(ended.err, HasSubstr("not released; without --allow it would be"));
  EXPECT_EQ(state_of(id), "held");
}

TEST_F(AllowHeld, WhatIsGoneIsNotAllowed) {
  const auto id = hold(1, list_mail(""));
  EXPECT_EQ(run({"quarantine", "delete", id}).code, ok);
  const std::string before = read("allow");
  const auto ended = run({"quarantine", "release", "--allow", id});
  EXPECT_EQ(ended.code, no_input);
  EXPECT_THAT(ended.err, HasSubstr("it is deleted"));
  EXPECT_EQ(read("allow"), before);
}

}  // namespace
}  // namespace sekisho::cli
