// support/decide_cases.h: what is done with a message, as rows of a table: facts, rules, and the decision.
// Thread: any.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "policy/decide.h"

namespace sekisho::policy {

using Change = std::function<void(Facts&, RuleSet&)>;

inline mail::DomainName domain(std::string_view text) {
  return mail::DomainName::parse(text).value();
}

inline mail::Author author_of(std::string_view name) {
  mail::Author author;
  author.result = mail::Author::Result::one;
  author.domains = {domain(name)};
  return author;
}

inline mail::Author malformed(mail::Author::Result result) {
  mail::Author author;
  author.result = result;
  author.reason = "a reason";
  return author;
}

inline mail::Author readable(std::string_view domain) {
  mail::Author author = author_of(domain);
  author.result = mail::Author::Result::readable;
  author.reason = "a comma outside quotes";
  return author;
}

// A message against which nothing speaks and for which nothing does.
inline Facts plain() {
  Facts facts;
  facts.id = "AAAA-BBBB";
  facts.mail_from = "bob@a.example";
  facts.recipients = {"user@example.jp"};
  facts.author = author_of("a.example");
  facts.spf_mail_from.domain = "a.example";
  facts.dmarc.from = "a.example";
  facts.dmarc.org_domain = "a.example";
  return facts;
}

inline void dmarc_fails(Facts& facts, dmarc::Policy published, dmarc::Policy requested) {
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.tag = "p";
  facts.dmarc.policy = published;
  facts.dmarc.requested = requested;
  facts.dmarc.published = dmarc::Published{};
  facts.dmarc.published->p = published;
}

inline void p_reject(Facts& facts) {
  dmarc_fails(facts, dmarc::Policy::reject, dmarc::Policy::reject);
}

inline void p_quarantine(Facts& facts) {
  dmarc_fails(facts, dmarc::Policy::quarantine, dmarc::Policy::quarantine);
}

inline void dmarc_temperror(Facts& facts) {
  facts.dmarc.code = dmarc::Code::temperror;
  facts.dmarc.policy = dmarc::Policy::none;
  facts.dmarc.published.reset();
}

inline void spf_is(Facts& facts, spf::Code code) { facts.spf_mail_from.code = code; }

struct Case {
  const char* name;
  Change change;
  Action action;
  const char* rule;
  const char* says = "";      // the reply begins so; empty: there is none
  const char* evidence = "";  // joined by blanks
  std::optional<Action> monitored = std::nullopt;
};

inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

inline std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

inline void expect_decision(const Case& c) {
  Facts facts = plain();
  RuleSet rules;
  c.change(facts, rules);
  const auto verdict = decide(facts, rules);
  const auto& decision = verdict.message;
  EXPECT_EQ(to_string(decision.action), to_string(c.action));
  EXPECT_EQ(decision.rule, c.rule);
  EXPECT_EQ(joined(decision.evidence), c.evidence);
  EXPECT_EQ(decision.monitored, c.monitored);
  const std::string says = c.says;
  if (decision.monitored) return;  // its reply is what would have been said
  ASSERT_EQ(decision.reply.has_value(), !says.empty());
  if (decision.reply) {
    EXPECT_EQ(decision.reply->line().substr(0, says.size()), says);
    EXPECT_TRUE(decision.reply->line().ends_with(" (id=AAAA-BBBB)")) << decision.reply->line();
  }
}

}  // namespace sekisho::policy
