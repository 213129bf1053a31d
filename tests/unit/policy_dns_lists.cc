// What hits in DNS lists lead to.
#include "policy/dns_list_rule.h"

#include <functional>

#include <gtest/gtest.h>

#include "policy/decide.h"

namespace sekisho::policy {
namespace {

using client::DnsListCode;
using client::DnsListKind;
using client::DnsListOn;

mail::DomainName domain(std::string_view text) { return mail::DomainName::parse(text).value(); }

Facts plain() {
  Facts facts;
  facts.id = "AAAA-BBBB";
  facts.mail_from = "bob@a.example";
  facts.recipients = {"user@example.jp"};
  facts.author.result = mail::Author::Result::one;
  facts.author.domains = {domain("a.example")};
  facts.dmarc.from = "a.example";
  facts.dmarc.org_domain = "a.example";
  return facts;
}

void result(Facts& facts, std::string name, DnsListKind kind, DnsListOn on, std::string value,
            DnsListCode code = DnsListCode::listed, std::string reason = {}) {
  facts.lists.push_back({std::move(name), kind, on, std::move(value), code, "127.0.0.2",
                         std::move(reason), client::DnsListFault::none});
}

void on_zen(Facts& facts, DnsListCode code = DnsListCode::listed) {
  result(facts, "zen", DnsListKind::dnsbl, DnsListOn::client, "192.0.2.1", code,
         "https://check.test/192.0.2.1");
}
void on_bl(Facts& facts, DnsListCode code = DnsListCode::listed) {
  result(facts, "bl", DnsListKind::dnsbl, DnsListOn::client, "192.0.2.1", code);
}
void on_dbl(Facts& facts, DnsListOn on = DnsListOn::sender) {
  result(facts, "dbl", DnsListKind::rhsbl, on, "a.example");
}
void on_good(Facts& facts, DnsListCode code = DnsListCode::listed) {
  result(facts, "good", DnsListKind::dnswl, DnsListOn::client, "192.0.2.1", code);
}

// zen rejects, bl tags, dbl quarantines, good excuses.
RuleSet usual() {
  RuleSet rules;
  rules.defaults.lists.rules = {
      {"zen", DnsListKind::dnsbl, OnListed::reject, 3, false, {}},
      {"bl", DnsListKind::dnsbl, OnListed::tag, 2, false, {}},
      {"dbl", DnsListKind::rhsbl, OnListed::quarantine, 2, false, {}},
      {"good", DnsListKind::dnswl, OnListed::log, 2, false, client::accusing_kinds()},
  };
  return rules;
}

DnsListRule& rule(RuleSet& rules, std::size_t index) { return rules.defaults.lists.rules[index]; }

using Change = std::function<void(Facts&, RuleSet&)>;

struct Case {
  const char* name;
  Change change;
  Action action;
  const char* rule;
  const char* evidence = "";
  std::optional<Action> monitored = std::nullopt;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

using enum Action;

const Case cases[] = {
    {"nothing asked", [](Facts&, RuleSet&) {}, accept, "default"},
    {"not listed", [](Facts& f, RuleSet&) { on_zen(f, DnsListCode::not_listed); }, accept,
     "default"},
    {"no answer", [](Facts& f, RuleSet&) { on_zen(f, DnsListCode::temperror); }, accept, "default"},
    {"disabled", [](Facts& f, RuleSet&) { on_zen(f, DnsListCode::set_aside); }, accept, "default"},
    {"unanswered", [](Facts& f, RuleSet&) { on_zen(f, DnsListCode::unanswered); }, accept,
     "default"},
    {"listed", [](Facts& f, RuleSet&) { on_zen(f); }, reject, "dnsbl:zen", "list:zen"},
    {"tag", [](Facts& f, RuleSet&) { on_bl(f); }, tag, "dnsbl:bl", "list:bl"},
    {"quarantine", [](Facts& f, RuleSet&) { on_dbl(f); }, quarantine, "rhsbl:dbl", "list:dbl"},
    {"tempfail",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       rule(r, 0).action = OnListed::tempfail;
     },
     tempfail, "dnsbl:zen", "list:zen"},
    {"log",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       rule(r, 0).action = OnListed::log;
     },
     accept, "default"},
    {"the hardest speaks",
     [](Facts& f, RuleSet&) {
       on_bl(f);
       on_dbl(f);
       on_zen(f);
     },
     reject, "dnsbl:zen", "list:bl list:dbl list:zen"},
    {"a rule that is gone",
     [](Facts& f, RuleSet& r) {
       r.defaults.lists.rules.clear();
       on_zen(f);
     },
     accept, "default"},
    {"an allowing list excuses",
     [](Facts& f, RuleSet&) {
       on_zen(f);
       on_dbl(f);
       on_good(f);
     },
     accept, "default"},
    {"an allowing list for addresses alone",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       on_dbl(f);
       on_good(f);
       rule(r, 3).skip = {DnsListKind::dnsbl};
     },
     quarantine, "rhsbl:dbl", "list:dbl"},
    {"an allowing list that is only watched",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       on_good(f);
       rule(r, 3).monitor = true;
     },
     reject, "dnsbl:zen", "list:zen"},
    {"an allowing list without an answer",
     [](Facts& f, RuleSet&) {
       on_zen(f);
       on_good(f, DnsListCode::temperror);
     },
     reject, "dnsbl:zen", "list:zen"},
    {"monitor",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       rule(r, 0).monitor = true;
     },
     accept, "dnsbl:zen", "list:zen", reject},
    {"monitor beside one that acts",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       on_bl(f);
       rule(r, 0).monitor = true;
     },
     tag, "dnsbl:bl", "list:bl monitored-list:zen"},
    {"monitor everything",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       r.defaults.monitor = true;
     },
     accept, "dnsbl:zen", "list:zen", reject},
    {"skipped by this recipient",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       r.defaults.lists.use = UseLists::skip;
     },
     accept, "default"},
    {"below the threshold",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       r.defaults.lists.threshold = 4;
     },
     accept, "default"},
    {"at the threshold",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       on_bl(f);
       r.defaults.lists.threshold = 5;
     },
     reject, "lists", "list:zen list:bl"},
    {"one list counts once, however much of it hits",
     [](Facts& f, RuleSet& r) {
       on_dbl(f, DnsListOn::helo);
       on_dbl(f, DnsListOn::sender);
       on_dbl(f, DnsListOn::from);
       r.defaults.lists.threshold = 3;
     },
     accept, "default"},
    {"an allowing list is subtracted",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       on_bl(f);
       on_good(f);
       rule(r, 3).skip = {};
       r.defaults.lists.threshold = 4;
     },
     accept, "default"},
    {"an allowing list that is not enough",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       on_bl(f);
       on_good(f);
       rule(r, 3).skip = {};
       r.defaults.lists.threshold = 3;
     },
     reject, "lists", "list:zen list:bl"},
    {"a watched rule adds nothing",
     [](Facts& f, RuleSet& r) {
       on_zen(f);
       on_bl(f);
       rule(r, 1).monitor = true;
       r.defaults.lists.threshold = 5;
     },
     accept, "lists", "list:zen list:bl", reject},
    {"exempt clients",
     [](Facts& f, RuleSet&) {
       on_zen(f);
       f.exemption = Exemption::authenticated;
     },
     accept, "exempt"},
    {"local mail",
     [](Facts& f, RuleSet&) {
       on_zen(f);
       f.role = Role::local;
     },
     tag, "dnsbl:zen", "list:zen role-local:reject"},
    {"the malformed author comes first",
     [](Facts& f, RuleSet&) {
       on_zen(f);
       f.author.result = mail::Author::Result::many;
       f.author.domains.clear();
     },
     reject, "author"},
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Lists : public testing::TestWithParam<Case> {};

TEST_P(Lists, AsTheTableSays) {
  Facts facts = plain();
  RuleSet rules = usual();
  GetParam().change(facts, rules);
  const auto decision = decide(facts, rules).message;
  EXPECT_EQ(to_string(decision.action), to_string(GetParam().action));
  EXPECT_EQ(decision.rule, GetParam().rule);
  EXPECT_EQ(joined(decision.evidence), GetParam().evidence);
  EXPECT_EQ(decision.monitored, GetParam().monitored);
}

INSTANTIATE_TEST_SUITE_P(Cases, Lists, testing::ValuesIn(cases));

// --- what is said --------------------------------------------------------------------------------

TEST(ListReply, InPostfixsWords) {
  const struct {
    DnsListOn on;
    const char* value;
    const char* says;
  } table[] = {
      {DnsListOn::client, "192.0.2.1", "Client host [192.0.2.1]"},
      {DnsListOn::client_name, "mx.a.example", "Client host [mx.a.example]"},
      {DnsListOn::helo, "a.example", "Helo command [a.example]"},
      {DnsListOn::sender, "a.example", "Sender address [bob@a.example]"},
      {DnsListOn::from, "a.example", "Author domain [a.example]"},
      {DnsListOn::dkim, "a.example", "DKIM domain [a.example]"},
  };
  for (const auto& each : table) {
    Facts facts = plain();
    result(facts, "zen", DnsListKind::dnsbl, each.on, each.value, DnsListCode::listed, "see there");
    EXPECT_EQ(decide(facts, usual()).message.reply->line(),
              std::string("554 5.7.1 Service unavailable; ") + each.says +
                  " blocked using zen; see there (id=AAAA-BBBB)");
  }
  Facts facts = plain();
  result(facts, "zen", DnsListKind::dnsbl, DnsListOn::client, "192.0.2.1");
  RuleSet rules = usual();
  EXPECT_EQ(decide(facts, rules).message.reply->line(),
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen "
            "(id=AAAA-BBBB)");
  EXPECT_EQ(decide(facts, rules).message.reason, "192.0.2.1 is listed by zen (127.0.0.2)");
  rule(rules, 0).action = OnListed::tempfail;
  EXPECT_TRUE(
      decide(facts, rules)
          .message.reply->line()
          .starts_with("451 4.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen"));
}

TEST(ListReply, FitsAReplyLineWhateverIsInIt) {
  Facts facts = plain();
  facts.mail_from = std::string(600, 'x') + "\r\n250 OK@a.example";
  result(facts, "zen", DnsListKind::rhsbl, DnsListOn::sender, "a.example", DnsListCode::listed,
         std::string(200, 'y'));
  const auto line = decide(facts, usual()).message.reply->line();
  EXPECT_LE(line.size() + 2, 512U);
  EXPECT_TRUE(line.ends_with(" (id=AAAA-BBBB)")) << line;
  EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
}

TEST(ListReply, ThresholdTellsTheSum) {
  Facts facts = plain();
  on_zen(facts);
  on_bl(facts);
  RuleSet rules = usual();
  rules.defaults.lists.threshold = 5;
  EXPECT_EQ(decide(facts, rules).message.reason, "zen 3 + bl 2 = 5, the threshold is 5");
}

// --- at RCPT -------------------------------------------------------------------------------------

std::string at_rcpt(const Facts& facts, const RuleSet& rules, client::DnsKindSet skipped = {}) {
  const auto decision = refuse_at_rcpt(facts, rules.for_recipient("user@example.jp"), skipped);
  return decision ? decision->reply->line().substr(0, 9) : "";
}

TEST(ListsAtRcpt, OnlyWhatIsKnownSpeaks) {
  Facts facts = plain();
  RuleSet rules = usual();
  EXPECT_EQ(at_rcpt(facts, rules), "");
  on_zen(facts);
  EXPECT_EQ(at_rcpt(facts, rules), "554 5.7.1");
  EXPECT_EQ(at_rcpt(facts, rules, {DnsListKind::dnsbl}), "");
  EXPECT_EQ(at_rcpt(facts, rules, {DnsListKind::rhsbl}), "554 5.7.1");
  rule(rules, 0).action = OnListed::tempfail;
  EXPECT_EQ(at_rcpt(facts, rules), "450 4.7.1");
  for (const auto later : {OnListed::quarantine, OnListed::tag, OnListed::log}) {
    rule(rules, 0).action = later;
    EXPECT_EQ(at_rcpt(facts, rules), "");
  }
}

TEST(ListsAtRcpt, AGoodWordThatMayStillComeIsWaitedFor) {
  Facts facts = plain();
  RuleSet rules = usual();
  on_zen(facts);
  on_good(facts, DnsListCode::unanswered);
  EXPECT_EQ(at_rcpt(facts, rules), "");
  // One that would not help, or has nothing to say, is not.
  rule(rules, 3).skip = {DnsListKind::rhsbl};
  EXPECT_EQ(at_rcpt(facts, rules), "554 5.7.1");
  rules.defaults.lists.threshold = 3;
  EXPECT_EQ(at_rcpt(facts, rules), "");  // its weight would
  facts.lists.back().code = DnsListCode::not_listed;
  EXPECT_EQ(at_rcpt(facts, rules), "554 5.7.1");
  facts.lists.back().code = DnsListCode::temperror;
  EXPECT_EQ(at_rcpt(facts, rules), "554 5.7.1");
}

TEST(ListsAtRcpt, SaysNothingWhereNothingIsRefused) {
  const std::pair<const char*, Change> table[] = {
      {"monitor", [](Facts&, RuleSet& r) { rule(r, 0).monitor = true; }},
      {"monitor everything", [](Facts&, RuleSet& r) { r.defaults.monitor = true; }},
      {"local", [](Facts& f, RuleSet&) { f.role = Role::local; }},
      {"exempt", [](Facts& f, RuleSet&) { f.exemption = Exemption::trusted_network; }},
      {"skip", [](Facts&, RuleSet& r) { r.defaults.lists.use = UseLists::skip; }},
  };
  for (const auto& [what, change] : table) {
    Facts facts = plain();
    RuleSet rules = usual();
    on_zen(facts);
    change(facts, rules);
    EXPECT_EQ(at_rcpt(facts, rules), "") << what;
  }
}

// Postmaster and an ordinary user in one envelope: the user's RCPT is refused, and postmaster's is
// not.
TEST(ListsAtRcpt, PostmasterCanBeReached) {
  Facts facts = plain();
  RuleSet rules = usual();
  RecipientRules open{{RecipientPattern::parse("postmaster@*").value()}, rules.defaults};
  open.rules.lists.use = UseLists::skip;
  rules.policies.push_back(open);
  on_zen(facts);
  EXPECT_TRUE(refuse_at_rcpt(facts, rules.for_recipient("user@example.jp")));
  EXPECT_FALSE(refuse_at_rcpt(facts, rules.for_recipient("Postmaster@example.jp")));
  // And at the end of DATA one answer for both: a reject for one of them is held for that one.
  facts.recipients = {"user@example.jp", "postmaster@example.jp"};
  const auto verdict = decide(facts, rules);
  EXPECT_EQ(verdict.recipients[0].decision.action, quarantine);
  EXPECT_EQ(verdict.recipients[1].decision.action, accept);
}

// --- evidence for DMARC --------------------------------------------------------------------------

TEST(ListEvidence, CorroboratesARejectOfDmarc) {
  const auto judged = [](const Change& change) {
    Facts facts = plain();
    RuleSet rules = usual();
    rules.defaults.lists.threshold = 9;  // the lists alone decide nothing
    facts.dmarc.code = dmarc::Code::fail;
    facts.dmarc.tag = "p";
    facts.dmarc.policy = facts.dmarc.requested = dmarc::Policy::reject;
    facts.dmarc.published = dmarc::Published{};
    change(facts, rules);
    const auto decision = decide(facts, rules).message;
    return std::string(to_string(decision.action)) + " " + decision.rule + " " +
           joined(decision.evidence);
  };
  EXPECT_EQ(judged([](Facts&, RuleSet&) {}), "quarantine dmarc ");
  EXPECT_EQ(judged([](Facts& f, RuleSet&) { on_zen(f); }), "reject dmarc list:zen");
  // Only what would reject, counts, and is not excused.
  EXPECT_EQ(judged([](Facts& f, RuleSet&) { on_bl(f); }), "quarantine dmarc ");
  EXPECT_EQ(judged([](Facts& f, RuleSet& r) {
              on_zen(f);
              rule(r, 0).monitor = true;
            }),
            "quarantine dmarc ");
  EXPECT_EQ(judged([](Facts& f, RuleSet&) {
              on_zen(f);
              on_good(f);
            }),
            "quarantine dmarc ");
  EXPECT_EQ(judged([](Facts& f, RuleSet&) { on_zen(f, DnsListCode::set_aside); }),
            "quarantine dmarc ");
  EXPECT_EQ(judged([](Facts& f, RuleSet& r) {
              on_zen(f);
              r.defaults.lists.use = UseLists::skip;
            }),
            "quarantine dmarc ");
}

}  // namespace
}  // namespace sekisho::policy
