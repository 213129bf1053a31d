// Recipients whose rules differ, whom a [[policy]] is for, and what no combination of results may
// do.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "policy/decide.h"

namespace sekisho::policy {

namespace {

mail::DomainName domain(std::string_view text) { return mail::DomainName::parse(text).value(); }

struct PatternCase {
  const char* pattern;
  const char* address;
  bool matches;
};

TEST(RecipientPattern, MatchesAndOrder) {
  const PatternCase cases[] = {
      {"*", "a@b.example", true},
      {"@b.example", "a@b.example", true},
      {"@b.example", "a@sub.b.example", false},
      {"@B.Example", "a@b.EXAMPLE", true},
      {"a@b.example", "A@b.example", true},
      {"a@b.example", "aa@b.example", false},
      {"postmaster@*", "postmaster@any.example", true},
      {"postmaster@*", "postmaster", true},
      {"postmaster@*", "webmaster@any.example", false},
      {"@b.example", "\"x@y\"@b.example", true},
      {"@b.example", "", false},
  };
  for (const auto& c : cases) {
    RuleSet rules;
    rules.policies.push_back({{RecipientPattern::parse(c.pattern).value()}, {}});
    const bool matched = &rules.for_recipient(c.address) == &rules.policies.front().rules;
    EXPECT_EQ(matched, c.matches) << c.pattern << " " << c.address;
  }
}

TEST(RecipientPattern, TheMostSpecificWinsWhateverTheOrder) {
  const char* order[] = {"*", "@b.example", "postmaster@*", "postmaster@b.example"};
  for (int rotation = 0; rotation < 4; ++rotation) {
    RuleSet rules;
    for (int i = 0; i < 4; ++i) {
      Rules one;
      const int at = (i + rotation) % 4;
      one.dmarc.defer_for = std::chrono::seconds(at);
      rules.policies.push_back({{RecipientPattern::parse(order[at]).value()}, one});
    }
    const auto chosen = [&](const char* to) {
      return rules.for_recipient(to).dmarc.defer_for.count();
    };
    EXPECT_EQ(chosen("x@c.example"), 0);
    EXPECT_EQ(chosen("x@b.example"), 1);
    EXPECT_EQ(chosen("postmaster@c.example"), 2);
    EXPECT_EQ(chosen("postmaster@b.example"), 3);
  }
}

TEST(RecipientPattern, WhatCannotBeRead) {
  for (const char* text :
       {"", "user", "@*", "a@b c", "a@", "*@*", "*@b.example", "a@b@c.example"}) {
    EXPECT_FALSE(RecipientPattern::parse(text)) << text;
  }
  for (const char* text : {"*", "@b.example", "postmaster@*", "a@b.example"}) {
    EXPECT_EQ(RecipientPattern::parse(text)->text(), text);
  }
}

// p=reject with evidence, or what else is asked for, for recipients of different rules.
struct DifferCase {
  std::vector<std::string> to;
  std::vector<Action> actions;
  Action message;
  bool temperror = false;
};

TEST(Recipients, OneAnswerForAll) {
  using enum Action;
  const DifferCase cases[] = {
      {{"a@refuse.example", "b@refuse.example"}, {reject, reject}, reject},
      {{"a@refuse.example", "b@tag.example"}, {quarantine, tag}, quarantine},
      {{"a@tag.example", "b@refuse.example"}, {tag, quarantine}, quarantine},
      {{"a@refuse.example", "b@watch.example"}, {quarantine, accept}, quarantine},
      {{"a@refuse.example", "b@hold.example"}, {quarantine, quarantine}, quarantine},
      {{"a@tag.example", "b@watch.example"}, {tag, accept}, tag},
      {{"a@refuse.example", "b@refuse.example"}, {tempfail, tempfail}, tempfail, true},
      {{"a@refuse.example", "b@watch.example"}, {quarantine, accept}, quarantine, true},
      {{"a@watch.example"}, {accept}, accept, true},
  };
  RuleSet rules;
  const auto add = [&](const char* to, OnDmarcReject on_reject, bool monitor = false) {
    Rules one;
    one.dmarc.reject = on_reject;
    one.monitor = monitor;
    rules.policies.push_back({{RecipientPattern::parse(to).value()}, one});
  };
  add("@refuse.example", OnDmarcReject::always);
  add("@tag.example", OnDmarcReject::tag);
  add("@hold.example", OnDmarcReject::quarantine);
  add("@watch.example", OnDmarcReject::always, true);
  for (const auto& c : cases) {
    Facts facts;
    facts.author.result = mail::Author::Result::one;
    facts.author.domains = {domain("a.example")};
    facts.dmarc.code = c.temperror ? dmarc::Code::temperror : dmarc::Code::fail;
    facts.dmarc.requested = dmarc::Policy::reject;
    facts.recipients.assign(c.to.begin(), c.to.end());
    const auto verdict = decide(facts, rules);
    EXPECT_EQ(verdict.message.action, c.message) << c.to[0];
    ASSERT_EQ(verdict.recipients.size(), c.actions.size());
    for (std::size_t i = 0; i < c.actions.size(); ++i) {
      const auto& decision = verdict.recipients[i].decision;
      EXPECT_EQ(decision.action, c.actions[i]) << c.to[i];
      const bool refuses = decision.action == reject || decision.action == tempfail;
      EXPECT_EQ(decision.reply.has_value(), refuses || decision.monitored.has_value());
    }
  }
}

// Rules that come to every action, of every kind of message.
std::vector<Rules> rules_of_recipients() {
  std::vector<Rules> all;
  for (const auto on_reject : {OnDmarcReject::corroborated, OnDmarcReject::always,
                               OnDmarcReject::quarantine, OnDmarcReject::tag}) {
    for (const auto on_temperror : {OnTemperror::accept, OnTemperror::tempfail}) {
      for (const auto on_listed : {OnListed::reject, OnListed::quarantine, OnListed::tempfail,
                                   OnListed::tag, OnListed::log}) {
        for (const bool monitor : {false, true}) {
          Rules one;
          one.dmarc.reject = on_reject;
          one.dmarc.temperror = one.spf.temperror = on_temperror;
          one.lists.rules.push_back({.name = "zen", .action = on_listed});
          one.monitor = monitor;
          all.push_back(one);
        }
      }
    }
  }
  return all;
}

std::vector<Facts> facts_of_messages() {
  std::vector<Facts> all;
  const auto add_with_circumstances = [&](const Facts& facts) {
    for (const bool listed : {false, true}) {
      for (const bool waited : {false, true}) {
        for (const auto role : {Role::mx, Role::submission, Role::local}) {
          for (const auto limit : {std::optional<Action>(), std::optional(Action::accept),
                                   std::optional(Action::tag), std::optional(Action::quarantine)}) {
            Facts one = facts;
            one.role = role;
            if (role == Role::submission) one.relay = Client();
            if (listed) {
              client::DnsListResult hit;
              hit.name = "zen";
              hit.kind = client::DnsListKind::dnsbl;
              hit.code = client::DnsListCode::listed;
              one.lists.push_back(hit);
            }
            if (waited) one.deferred_for = std::chrono::hours(9);
            if (limit) {
              AccessMatch match;
              match.holds = true;
              match.effect.dmarc = limit;
              one.allowlist.push_back(match);
            }
            all.push_back(one);
          }
        }
      }
    }
  };
  for (const auto code :
       {dmarc::Code::none, dmarc::Code::pass, dmarc::Code::fail, dmarc::Code::temperror}) {
    for (const auto spf : {spf::Code::none, spf::Code::temperror}) {
      Facts facts;
      facts.author.result = mail::Author::Result::one;
      facts.author.domains = {domain("a.example")};
      facts.spf_mail_from.code = spf;
      facts.dmarc.code = code;
      facts.dmarc.requested = facts.dmarc.policy = dmarc::Policy::reject;
      facts.dmarc.could_ask = facts.dmarc.asks_anyway = dmarc::Policy::reject;
      add_with_circumstances(facts);
    }
  }
  return all;
}

// One for each action that the message can come to for one recipient.
std::vector<std::pair<Rules, Action>> rules_by_action(const Facts& facts) {
  std::vector<std::pair<Rules, Action>> all;
  for (const auto& rules : rules_of_recipients()) {
    const auto action = decide_for(facts, rules, nullptr).action;
    const bool there = std::any_of(all.begin(), all.end(),
                                   [&](const auto& each) { return each.second == action; });
    if (!there) all.emplace_back(rules, action);
  }
  return all;
}

// Whoever is added to a message changes nothing for the others but that a refusal becomes
// quarantine.
TEST(Recipients, NobodysPolicyIsSoftenedByAnothersBeyondQuarantine) {
  std::set<std::pair<Action, Action>> seen;
  for (Facts facts : facts_of_messages()) {
    facts.recipients = {"a@x.example", "b@y.example"};
    const auto choices = rules_by_action(facts);
    for (const auto& [first, a] : choices) {
      for (const auto& [second, b] : choices) {
        seen.emplace(a, b);
        RuleSet set;
        set.defaults = first;
        set.policies.push_back({{RecipientPattern::parse("@y.example").value()}, second});
        const auto verdict = decide(facts, set);
        const Action own[] = {a, b};
        for (std::size_t i = 0; i < 2; ++i) {
          const auto& decision = verdict.recipients[i].decision;
          const Action want = a == b ? own[i] : std::min(own[i], Action::quarantine);
          ASSERT_EQ(to_string(decision.action), to_string(want))
              << to_string(a) << " beside " << to_string(b) << ", dmarc "
              << to_string(facts.dmarc.code) << ", " << to_string(facts.role);
          ASSERT_TRUE(a == b || !decision.reply || decision.monitored);
        }
        ASSERT_EQ(verdict.message.action, std::max(verdict.recipients[0].decision.action,
                                                   verdict.recipients[1].decision.action));
      }
    }
  }
  EXPECT_EQ(seen.size(), 25U) << "every action beside every other";
}

TEST(Recipients, AReducedRefusalSaysSo) {
  Facts facts;
  facts.header_over_limits = true;
  facts.recipients = {"a@x.example", "b@y.example"};
  RuleSet rules;
  rules.policies.push_back({{RecipientPattern::parse("@y.example").value()}, {}});
  rules.policies.back().rules.monitor = true;
  const auto verdict = decide(facts, rules);
  EXPECT_EQ(verdict.recipients[0].decision.evidence,
            std::vector<std::string>{"recipients-differ:reject"});
}

// Everything that the results may be, times everything that the rules may be.
class AllCombinations {
 public:
  template <class Visit>
  static void visit(const Visit& visit_one) {
    for (int facts = 0; facts < 5 * 7 * 3 * 3 * 4; ++facts) {
      for (int rules = 0; rules < 3 * 2 * 4 * 3 * 2 * 3; ++rules) {
        visit_one(facts_of(facts), rules_of(rules));
      }
    }
  }

 private:
  // The next digit of a number whose digits have different bases.
  static int digit(int& number, int base) {
    const int one = number % base;
    number /= base;
    return one;
  }
  static Facts facts_of(int n) {
    Facts facts;
    facts.id = "AAAA-BBBB";
    facts.mail_from = "bob@a.example";
    facts.author.result = mail::Author::Result::one;
    facts.author.domains = {domain("a.example")};
    facts.dmarc.from = facts.dmarc.org_domain = facts.spf_mail_from.domain = "a.example";
    facts.dmarc.code = static_cast<dmarc::Code>(digit(n, 5));
    facts.spf_mail_from.code = static_cast<spf::Code>(digit(n, 7));
    const auto asked = static_cast<dmarc::Policy>(digit(n, 3));
    if (facts.dmarc.code == dmarc::Code::fail) facts.dmarc.requested = asked;
    facts.dmarc.policy = asked;
    facts.role = static_cast<Role>(digit(n, 3));
    facts.author_is_ours = digit(n, 2) != 0;
    if (digit(n, 2) != 0) {
      facts.traces.fields = {"List-Id"};
      facts.dmarc.published = dmarc::Published{};
    }
    facts.dmarc.author_exists = !facts.author_is_ours || facts.traces.any();
    facts.dmarc.tag = facts.dmarc.author_exists ? "p" : "np";
    return facts;
  }
  static Rules rules_of(int n) {
    Rules rules;
    rules.spf.fail = static_cast<OnSpfFail>(digit(n, 3));
    rules.spf.temperror = static_cast<OnTemperror>(digit(n, 2));
    rules.dmarc.reject = static_cast<OnDmarcReject>(digit(n, 4));
    rules.dmarc.quarantine = static_cast<OnDmarcQuarantine>(digit(n, 3));
    rules.dmarc.temperror = static_cast<OnTemperror>(digit(n, 2));
    const int monitor = digit(n, 3);
    rules.monitor = monitor == 1;
    rules.dmarc.monitor = monitor == 2;
    return rules;
  }
};

// What is wrong with a decision; nothing when nothing is.
std::string broken_promise(const Facts& facts, const Rules& rules, const Decision& decision) {
  const bool refuses = decision.action == Action::reject || decision.action == Action::tempfail;
  if (refuses && !decision.reply) return "a refusal without a reply";
  if (!refuses && decision.reply && !decision.monitored) return "a reply to what is not refused";
  if (decision.reply && decision.action == Action::reject && !decision.reply->permanent()) {
    return "a reject without a 5xx reply";
  }
  if (decision.action == Action::tempfail && decision.reply->permanent()) {
    return "a tempfail with a 5xx reply";
  }
  if (decision.action == Action::reject && facts.dmarc.code == dmarc::Code::temperror &&
      decision.rule == "dmarc") {
    return "temperror became a DMARC refusal";
  }
  if (decision.action == Action::reject && facts.spf_mail_from.code == spf::Code::temperror &&
      decision.rule == "spf") {
    return "temperror became an SPF refusal";
  }
  if (facts.dmarc.code == dmarc::Code::pass && decision.action != Action::accept) {
    return "dmarc=pass was not accepted";
  }
  if (rules.monitor && decision.action != Action::accept) return "monitor mode did something";
  if (rules.dmarc.monitor && decision.rule == "dmarc" && decision.action != Action::accept) {
    return "a monitored rule did something";
  }
  if (facts.role == Role::local && decision.action > Action::tag) return "local mail was stopped";
  if (decision.rule.empty()) return "no rule spoke";
  if (decision.monitored == Action::accept) return "an accept was monitored";
  return "";
}

TEST(Properties, HoldForEveryCombinationOfResultsAndRules) {
  std::size_t count = 0;
  std::size_t shown = 0;
  AllCombinations::visit([&](const Facts& facts, const Rules& rules) {
    ++count;
    const auto decision = decide_for(facts, rules, nullptr);
    const auto broken = broken_promise(facts, rules, decision);
    if (!broken.empty() && ++shown < 10) {
      ADD_FAILURE() << broken << ": dmarc=" << to_string(facts.dmarc.code)
                    << " spf=" << to_string(facts.spf_mail_from.code) << " rule=" << decision.rule
                    << " action=" << to_string(decision.action);
    }
  });
  EXPECT_EQ(count, 1260U * 432U);
}

}  // namespace

}  // namespace sekisho::policy
