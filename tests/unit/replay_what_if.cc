// What would have changed a decision, in the words of the configuration: a table of facts, and the
// other words of the keys that decided, in the order in which they are shown.
#include "replay/what_if.h"

#include <functional>

#include <gtest/gtest.h>

#include "policy/decide.h"

namespace sekisho::replay {

namespace {

using policy::Facts;
using Strings = std::vector<std::string>;

Facts plain() {
  Facts facts;
  facts.id = "AAAA-BBBB";
  facts.mail_from = "bob@a.example";
  facts.recipients = {"user@example.jp"};
  facts.author.result = mail::Author::Result::one;
  facts.author.domains = {mail::DomainName::parse("a.example").value()};
  facts.spf_mail_from.domain = "a.example";
  facts.dmarc.from = "a.example";
  facts.dmarc.org_domain = "a.example";
  return facts;
}

void dmarc_fails(Facts& facts, dmarc::Policy requested) {
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.tag = "p";
  facts.dmarc.policy = facts.dmarc.requested = requested;
  facts.dmarc.published = dmarc::Published{};
  facts.dmarc.published->p = requested;
}

struct Case {
  const char* name;
  std::function<void(Facts&, policy::Rules&)> change;
  Strings want;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class WhatIf : public testing::TestWithParam<Case> {};

TEST_P(WhatIf, TriesEveryOtherWordOfTheKeyThatDecided) {
  session::Snapshot snapshot;
  session::Decided decided;
  decided.outcome.facts = plain();
  GetParam().change(decided.outcome.facts, snapshot.rules.defaults);
  decided.outcome.verdict = policy::decide(decided.outcome.facts, snapshot.rules);
  Strings got;
  for (const auto& each : what_if(decided, snapshot)) {
    const bool of_a_key = each.change.starts_with("dmarc.") || each.change.starts_with("spf.");
    if (of_a_key) got.push_back(each.change + ": " + std::string(to_string(each.action)));
  }
  EXPECT_EQ(got, GetParam().want);
}

const Case table[] = {
    {"nothing decides", [](Facts&, policy::Rules&) {}, {}},
    {"p=reject",
     [](Facts& f, policy::Rules&) { dmarc_fails(f, dmarc::Policy::reject); },
     {"dmarc.reject were always: reject", "dmarc.reject were tag: tag"}},
    {"p=quarantine",
     [](Facts& f, policy::Rules&) { dmarc_fails(f, dmarc::Policy::quarantine); },
     {"dmarc.quarantine were tag: tag", "dmarc.quarantine were reject: reject"}},
    {"SPF fails",
     [](Facts& f, policy::Rules&) { f.spf_mail_from.code = spf::Code::fail; },
     {"spf.fail were quarantine: quarantine", "spf.fail were reject: reject"}},
    {"SPF could not be evaluated",
     [](Facts& f, policy::Rules& r) {
       f.spf_mail_from.code = spf::Code::temperror;
       r.spf.temperror = policy::OnTemperror::tempfail;
     },
     {"spf.temperror were accept: accept"}},
    {"no author",
     [](Facts& f, policy::Rules&) {
       f.author = {};
       f.author.result = mail::Author::Result::invalid;
     },
     {"dmarc.author were quarantine: quarantine", "dmarc.author were tag: tag"}},
};

INSTANTIATE_TEST_SUITE_P(Table, WhatIf, testing::ValuesIn(table), [](const auto& each) {
  std::string name = each.param.name;
  std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
  return name;
});

}  // namespace

}  // namespace sekisho::replay
