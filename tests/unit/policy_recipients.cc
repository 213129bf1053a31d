// Recipients whose rules differ, whom a [[policy]] is for, and what no combination of results may do.
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
      {{"a@refuse.example", "b@watch.example"}, {tag, accept}, tag, true},
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
    facts.recipients = c.to;
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
