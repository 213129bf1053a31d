// The answer to RCPT: what DNS lists refuse there, what keeps them from it, and what becomes of the
// record.
#include <gtest/gtest.h>

#include "policy/access_list.h"
#include "policy/decide.h"
#include "replay/replay.h"
#include "replay/what_if.h"
#include "support/session_gate.h"

namespace sekisho::session {
namespace {

using test::Gate;
using test::HeldResolver;

const char* const zone = R"(
a.example.            TXT  "v=spf1 ip4:192.0.2.10 -all"
b.example.            TXT  "v=spf1 ip4:192.0.2.77 -all"
10.2.0.192.zen.test.  A    127.0.0.4
10.2.0.192.zen.test.  TXT  "see there"
)";

Snapshot listing_snapshot() {
  auto snapshot = test::snapshot_on_zone(zone);
  client::DnsListDefinition zen;
  zen.name = "zen";
  zen.list = client::DnsListZone::parse("zen.test").value();
  snapshot.client.lists.push_back(zen);
  policy::DnsListRule rule;
  rule.name = "zen";
  snapshot.rules.defaults.lists.rules.push_back(rule);
  policy::RecipientRules exempt;
  exempt.to = {policy::RecipientPattern::parse("postmaster@*").value()};
  exempt.rules = snapshot.rules.defaults;
  exempt.rules.lists.use = policy::UseLists::skip;
  snapshot.rules.policies.push_back(exempt);
  return snapshot;
}

void allow(Snapshot& snapshot, const std::string& entries) {
  auto file = std::make_shared<policy::AccessFile>(
      policy::parse_access_file(entries, "allowlist", policy::AccessKind::allow));
  snapshot.rules.allowlist = std::make_shared<policy::AccessList>(
      policy::AccessKind::allow, policy::AccessList::Files{std::move(file)});
}

void deny(Snapshot& snapshot, const std::string& entries) {
  auto file = std::make_shared<policy::AccessFile>(
      policy::parse_access_file(entries, "denylist", policy::AccessKind::deny));
  snapshot.rules.denylist = std::make_shared<policy::AccessList>(
      policy::AccessKind::deny, policy::AccessList::Files{std::move(file)});
}

// What each RCPT was answered, "ok" or the reply; "?" while it waits.
class Dialogue {
 public:
  explicit Dialogue(Gate& gate, policy::Role role = policy::Role::mx)
      : gate_(gate), session_(gate.session(role)) {}

  void begin(const test::Letter& letter) {
    test::greet(*session_, letter);
    session_->mail_from({letter.mail_from, letter.authenticated});
  }
  std::string rcpt(const std::string& to) {
    answer_ = "?";
    session_->rcpt_to(
        {to}, [this](const Step& step) { answer_ = step.refusal ? step.refusal->line() : "ok"; });
    return answer_;
  }
  // After what was posted to the owner has run.
  std::string answer() {
    gate_.queue().run_until([] { return false; }, steady_now());
    return answer_;
  }
  Session& session() { return *session_; }

 private:
  Gate& gate_;
  std::shared_ptr<Session> session_;
  std::string answer_;
};

const char* const refusal =
    "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen; see there (id=";

TEST(Recipients, AListedClientIsRefused) {
  Gate gate(listing_snapshot());
  Dialogue dialogue(gate);
  ASSERT_TRUE(dialogue.session().refuses_recipients());
  dialogue.begin({});
  EXPECT_TRUE(dialogue.rcpt("user@example.jp").starts_with(refusal)) << dialogue.answer();
  dialogue.session().abort();
  const auto lines = gate.recorder().lines();
  ASSERT_EQ(lines.size(), 1U) << "what was refused is recorded when the transaction ends";
  EXPECT_TRUE(lines[0].starts_with("NOQUEUE: id=")) << lines[0];
  EXPECT_NE(lines[0].find(" refused=<user@example.jp> "), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(" lists=zen:127.0.0.4 "), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(" author=- "), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(" dkim=- dmarc=- "), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(" action=reject rule=dnsbl:zen "), std::string::npos) << lines[0];
  EXPECT_EQ(gate.engine().counters().refused_recipients, 1U);
}

TEST(Recipients, OneThatIsExemptGetsTheMessage) {
  Gate gate(listing_snapshot());
  Dialogue dialogue(gate);
  dialogue.begin({});
  EXPECT_TRUE(dialogue.rcpt("user@example.jp").starts_with(refusal));
  EXPECT_EQ(dialogue.rcpt("postmaster@example.jp"), "ok");
  std::optional<Outcome> outcome;
  dialogue.session().header("From", " bob@a.example");
  dialogue.session().end_of_header();
  dialogue.session().end_of_message("4bXY", [&](const Outcome& o) { outcome = o; });
  dialogue.answer();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict.message.action, policy::Action::accept);
  EXPECT_EQ(outcome->facts.recipients, std::vector<mail::Path>{"postmaster@example.jp"});
  EXPECT_EQ(outcome->facts.refused_recipients, std::vector<mail::Path>{"user@example.jp"});
  EXPECT_EQ(gate.recorder().lines().size(), 1U);
}

// Of a message for both: everything about it is of postmaster's, and why the other was refused is
// there too.
TEST(Recipients, WhyOneWasRefusedIsKeptWithTheOthersMessage) {
  for (const bool denied : {false, true}) {
    auto snapshot = listing_snapshot();
    if (denied) {
      deny(snapshot, "mfrom:a.example\n");
      snapshot.rules.policies.front().rules.monitor = true;
    }
    Gate gate(snapshot);
    Dialogue dialogue(gate);
    dialogue.begin({});
    EXPECT_EQ(dialogue.rcpt("postmaster@example.jp"), "ok");
    const std::string reply = dialogue.rcpt("user@example.jp");
    EXPECT_NE(reply, "ok");
    dialogue.session().header("From", " bob@a.example");
    dialogue.session().end_of_header();
    dialogue.session().end_of_message("4bXY", [](const Outcome&) {});
    dialogue.answer();
    const std::string rule = denied ? "denylist" : "dnsbl:zen";
    const auto decided = gate.recorder().decisions().back();
    const auto& verdict = decided->outcome.verdict;
    EXPECT_EQ(verdict.message.action, policy::Action::accept);
    ASSERT_EQ(verdict.recipients.size(), 1U);
    EXPECT_EQ(verdict.recipients[0].to, "postmaster@example.jp");
    ASSERT_EQ(verdict.refused.size(), 1U);
    EXPECT_EQ(verdict.refused[0].to, "user@example.jp");
    const auto& given = verdict.refused[0].decision;
    EXPECT_EQ(given.action, policy::Action::reject);
    EXPECT_EQ(given.rule, rule);
    EXPECT_FALSE(given.reason.empty());
    ASSERT_TRUE(given.reply);
    EXPECT_EQ(given.reply->line(), reply);
    const auto line = gate.recorder().lines().back();
    EXPECT_NE(line.find(" refused=<user@example.jp> refused_rule=" + rule + " "), std::string::npos)
        << line;
    EXPECT_NE(line.find(" action=accept "), std::string::npos) << line;
    test::expect_round_trip(*decided);
    EXPECT_EQ(replay::replay(*decided, snapshot).outcome, decided->outcome);
    auto other = decided->outcome;
    other.verdict.refused[0].decision.rule = "spf";
    EXPECT_EQ(replay::differences(decided->outcome, other).size(), 1U);
  }
}

TEST(Recipients, WaitForTheListsAndNoLongerThanTheirTime) {
  auto snapshot = listing_snapshot();
  const auto held = std::make_shared<HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  snapshot.rules.defaults.lists.rcpt_wait = std::chrono::milliseconds(0);
  Gate impatient(snapshot);
  Dialogue late(impatient);
  late.begin({});
  EXPECT_EQ(late.rcpt("user@example.jp"), "ok") << "unanswered is not listed";

  snapshot.rules.defaults.lists.rcpt_wait = std::chrono::seconds(60);
  Gate patient(snapshot);
  Dialogue dialogue(patient);
  dialogue.begin({});
  EXPECT_EQ(dialogue.rcpt("user@example.jp"), "?");
  EXPECT_LT(dialogue.session().deadline(), SteadyTime::max());
  while (held->answer_all()) dialogue.answer();
  EXPECT_TRUE(dialogue.answer().starts_with(refusal)) << dialogue.answer();
}

TEST(Recipients, WhatAnswersTooLateForRcptCountsAtTheDot) {
  auto snapshot = listing_snapshot();
  const auto held = std::make_shared<HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  snapshot.rules.defaults.lists.rcpt_wait = std::chrono::milliseconds(0);
  Gate gate(snapshot);
  Dialogue dialogue(gate);
  dialogue.begin({});
  ASSERT_EQ(dialogue.rcpt("user@example.jp"), "ok");
  std::optional<Outcome> outcome;
  dialogue.session().header("From", " bob@a.example");
  dialogue.session().end_of_header();
  dialogue.session().end_of_message("4bXY", [&](const Outcome& o) { outcome = o; });
  while (held->answer_all()) dialogue.answer();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict.message.rule, "dnsbl:zen");
  EXPECT_EQ(outcome->verdict.message.action, policy::Action::reject);
}

struct EntryCase {
  const char* entry;
  const char* mail_from;
  bool refused;
};

// An entry that could still be proven keeps a list from refusing before the end of DATA; one that
// cannot does not.
TEST(Recipients, EntriesOfTheAllowlist) {
  const EntryCase cases[] = {
      {"ip:192.0.2.0/24 skip=dnsbl", "bob@b.example", false},
      {"ip:198.51.100.0/24 skip=dnsbl", "bob@b.example", true},
      {"mfrom:a.example skip=dnsbl", "bob@a.example", false},
      {"mfrom:b.example skip=dnsbl", "bob@b.example", true},  // SPF says fail
      {"mfrom:a.example skip=rhsbl", "bob@a.example", true},
      {"dkim:lists.example skip=dnsbl", "bob@b.example", false},
      {"from:a.example skip=dnsbl", "bob@b.example", false},
      {"from:a.example dmarc=accept", "bob@b.example", true},
  };
  for (const auto& c : cases) {
    auto snapshot = listing_snapshot();
    allow(snapshot, std::string(c.entry) + "\n");
    Gate gate(std::move(snapshot));
    Dialogue dialogue(gate);
    test::Letter letter;
    letter.mail_from = c.mail_from;
    dialogue.begin(letter);
    const auto answer = dialogue.rcpt("user@example.jp");
    EXPECT_EQ(answer != "ok", c.refused) << c.entry << ": " << answer;
  }
}

struct DenialCase {
  const char* entry;
  bool negotiated;  // whether anybody is asked at RCPT
  bool refused;
};

const char* const denial = "550 5.7.1 rejected by local policy (id=";

// The denylist refuses at RCPT by what is known of client and envelope; without a DNS list too.
TEST(Recipients, EntriesOfTheDenylist) {
  const DenialCase cases[] = {
      {"ip:192.0.2.0/24", true, true},
      {"ip:198.51.100.0/24", true, false},
      {"helo:mx.a.example", true, true},
      {"helo:.a.example", true, true},
      {"mfrom:a.example", true, true},
      {"mfrom:bob@a.example", true, true},
      {"mfrom:eve@a.example", true, false},
      {"ptr:mx.a.example", true, true},
      {"ptr:mx.b.example", true, false},
      {"ip:192.0.2.0/24 action=quarantine", false, false},
      {"ip:192.0.2.0/24 action=tag", false, false},
      {"ip:192.0.2.0/24 until=2020-01-31", true, false},
      {"from:a.example", false, false},
      {"dkim:a.example", false, false},
  };
  for (const auto& c : cases) {
    auto snapshot = test::snapshot_on_zone(
        "mx.a.example. A 192.0.2.10\n10.2.0.192.in-addr.arpa. PTR mx.a.example.\n"
        "a.example. TXT \"v=spf1 -all\"\n");
    deny(snapshot, std::string(c.entry) + "\n");
    Gate gate(std::move(snapshot));
    Dialogue dialogue(gate);
    EXPECT_EQ(dialogue.session().refuses_recipients(), c.negotiated) << c.entry;
    dialogue.begin({});
    dialogue.rcpt("user@example.jp");
    const auto answer = dialogue.answer();
    EXPECT_EQ(answer.starts_with(denial), c.refused) << c.entry << ": " << answer;
    if (!c.refused) {
      EXPECT_EQ(answer, "ok") << c.entry;
    }
  }
}

TEST(Recipients, ADenialIsRecordedWithItsEntry) {
  auto snapshot = listing_snapshot();
  deny(snapshot, "mfrom:a.example\n");
  allow(snapshot, "ip:192.0.2.10 skip=all\n");
  Gate gate(std::move(snapshot));
  Dialogue dialogue(gate);
  dialogue.begin({});
  EXPECT_TRUE(dialogue.rcpt("user@example.jp").starts_with(denial)) << dialogue.answer();
  EXPECT_TRUE(dialogue.rcpt("postmaster@example.jp").starts_with(denial));
  dialogue.session().abort();
  const auto lines = gate.recorder().lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find(" refused=<user@example.jp>,<postmaster@example.jp> "), std::string::npos)
      << lines[0];
  EXPECT_NE(lines[0].find(" allow=ip:192.0.2.10(proven) "), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(" rule=denylist reason=\"denied: mfrom:a.example (denylist:1)\""),
            std::string::npos)
      << lines[0];
}

TEST(Recipients, WhatWouldHaveKeptADenialAway) {
  auto snapshot = listing_snapshot();
  deny(snapshot, "mfrom:a.example\n");
  Gate gate(std::move(snapshot));
  Dialogue dialogue(gate);
  dialogue.begin({});
  // For the second one there are no lists: only the entry refuses it.
  dialogue.rcpt("user@example.jp");
  dialogue.rcpt("postmaster@example.jp");
  dialogue.session().abort();
  const auto decided = gate.recorder().decisions().back();
  const auto rules =
      policy::opinions_at_rcpt(decided->outcome.facts, gate.engine().snapshot()->rules.defaults);
  for (const auto& each : rules) {
    using Said = policy::RuleOpinion::Said;
    if (each.rule == "denylist") {
      EXPECT_EQ(each.said, Said::spoke);
    }
    if (each.rule == "lists") {
      EXPECT_EQ(each.said, Said::not_asked);
    }
    if (each.rule == "author") {
      EXPECT_EQ(each.said, Said::not_yet);
    }
  }
  const auto all = replay::what_if(*decided, *gate.engine().snapshot());
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front().change, "the denylist did not have mfrom:a.example");
  EXPECT_TRUE(all.front().passes_rcpt);
}

// The files of the lists may have changed since: under the same configuration a refusal comes out
// as it was.
TEST(Recipients, ARefusalIsMadeAgainWhateverTheListsHoldByNow) {
  for (const char* denied : {"mfrom:a.example\n", ""}) {
    auto snapshot = listing_snapshot();
    snapshot.digest = "d1";
    deny(snapshot, denied);
    allow(snapshot, "mfrom:b.example skip=dnsbl\n");
    Gate gate(snapshot);
    Dialogue dialogue(gate);
    dialogue.begin({});
    EXPECT_NE(dialogue.rcpt("user@example.jp"), "ok");
    dialogue.session().abort();
    const auto decided = gate.recorder().decisions().back();
    deny(snapshot, "");
    allow(snapshot, "ip:192.0.2.10 skip=dnsbl\n");
    EXPECT_EQ(replay::replay(*decided, snapshot).outcome, decided->outcome) << denied;
    EXPECT_FALSE(replay::replay(*decided, snapshot).passes_rcpt) << denied;
    snapshot.digest = "d2";
    EXPECT_TRUE(replay::replay(*decided, snapshot).passes_rcpt) << denied;
  }
}

TEST(Recipients, WhoWouldNotBeRefusedAtTheDotIsNotDeniedBefore) {
  auto snapshot = test::snapshot_on_zone("");
  deny(snapshot, "ip:192.0.2.0/24\n");
  snapshot.rules.defaults.monitor = true;
  Gate monitored(snapshot);
  Dialogue watched(monitored);
  watched.begin({});
  EXPECT_EQ(watched.rcpt("user@example.jp"), "ok");
  snapshot.rules.defaults.monitor = false;
  Gate gate(snapshot);
  Dialogue user(gate, policy::Role::submission);
  test::Letter letter;
  letter.authenticated = true;
  user.begin(letter);
  EXPECT_EQ(user.rcpt("user@example.jp"), "ok");
  snapshot.options.trust.relays = {mail::IpPrefix::parse("192.0.2.10").value()};
  Gate behind(snapshot);
  Dialogue relay(behind);
  relay.begin({});
  EXPECT_EQ(relay.rcpt("user@example.jp"), "ok");
}

// A name that DNS still has to confirm is waited for, and what comes too late is denied at the end
// of DATA.
TEST(Recipients, ADeniedNameIsLookedUpFirst) {
  const std::string names =
      "mx.a.example. A 192.0.2.10\n10.2.0.192.in-addr.arpa. PTR mx.a.example.\n";
  auto snapshot = test::snapshot_on_zone(names);
  deny(snapshot, "ptr:.a.example\n");
  const auto held = std::make_shared<HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  Gate gate(snapshot);
  Dialogue dialogue(gate);
  dialogue.begin({});
  EXPECT_EQ(dialogue.rcpt("user@example.jp"), "?");
  while (held->answer_all()) dialogue.answer();
  EXPECT_TRUE(dialogue.answer().starts_with(denial)) << dialogue.answer();
  dialogue.session().abort();

  const auto slow = std::make_shared<HeldResolver>(test::snapshot_on_zone(names).resolver);
  snapshot.resolver = slow;
  snapshot.rules.defaults.lists.rcpt_wait = std::chrono::milliseconds(0);
  Gate impatient(snapshot);
  Dialogue late(impatient);
  late.begin({});
  EXPECT_EQ(late.rcpt("user@example.jp"), "ok");
  std::optional<Outcome> outcome;
  late.session().header("From", " bob@a.example");
  late.session().end_of_header();
  late.session().end_of_message("4bXY", [&](const Outcome& o) { outcome = o; });
  while (slow->answer_all()) late.answer();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict.message.rule, "denylist");
}

TEST(Recipients, WhoIsNotEvaluatedIsNotRefused) {
  Gate gate(listing_snapshot());
  Dialogue dialogue(gate, policy::Role::submission);
  test::Letter letter;
  letter.authenticated = true;
  dialogue.begin(letter);
  EXPECT_EQ(dialogue.rcpt("user@example.jp"), "ok");
  Dialogue local(gate, policy::Role::local);
  EXPECT_FALSE(local.session().refuses_recipients());
}

TEST(Recipients, ARelayOfOursIsNotRefused) {
  auto snapshot = listing_snapshot();
  snapshot.options.trust.relays = {mail::IpPrefix::parse("192.0.2.10").value()};
  Gate gate(std::move(snapshot));
  Dialogue dialogue(gate);
  dialogue.begin({});
  EXPECT_EQ(dialogue.rcpt("user@example.jp"), "ok");
}

TEST(Recipients, AFailureInsideLetsThemPassAndDefersTheMessage) {
  auto snapshot = listing_snapshot();
  const auto held = std::make_shared<HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  Gate gate(snapshot);
  Dialogue dialogue(gate);
  dialogue.begin({});
  ASSERT_EQ(dialogue.rcpt("user@example.jp"), "?");
  dialogue.session().fail("a bug");
  EXPECT_EQ(dialogue.answer(), "ok");
  std::optional<Outcome> outcome;
  dialogue.session().end_of_message("4bXY", [&](const Outcome& o) { outcome = o; });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict.message.action, policy::Action::tempfail);
}

}  // namespace
}  // namespace sekisho::session
