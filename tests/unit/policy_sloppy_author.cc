// A From field that is not valid and in which everybody reads one domain: by what proves that
// domain.
#include <string>

#include <gtest/gtest.h>

#include "policy/decide.h"

namespace sekisho::policy {
namespace {

mail::Author readable(std::string_view domain) {
  mail::Author author;
  author.result = mail::Author::Result::readable;
  author.reason = "a comma outside quotes";
  author.domains = {mail::DomainName::parse(domain).value()};
  author.mailboxes = {{"alice", author.domains.front()}};
  return author;
}

// Nothing speaks against it but the field itself.
Facts plain() {
  Facts facts;
  facts.id = "AAAA-BBBB";
  facts.mail_from = "bob@a.example";
  facts.recipients = {"user@example.jp"};
  facts.author = readable("a.example");
  facts.spf_mail_from.domain = "a.example";
  facts.dmarc.from = "a.example";
  facts.dmarc.org_domain = "a.example";
  return facts;
}

void p_quarantine(Facts& facts) {
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.tag = "p";
  facts.dmarc.policy = dmarc::Policy::quarantine;
  facts.dmarc.requested = dmarc::Policy::quarantine;
  facts.dmarc.published = dmarc::Published{};
  facts.dmarc.published->p = dmarc::Policy::quarantine;
}

void dmarc_temperror(Facts& facts) {
  facts.dmarc.code = dmarc::Code::temperror;
  facts.dmarc.policy = dmarc::Policy::none;
  facts.dmarc.published.reset();
}

void spf_is(Facts& facts, spf::Code code) { facts.spf_mail_from.code = code; }

struct Case {
  const char* name;
  void (*change)(Facts&, RuleSet&);
  Action action;
  const char* rule;
  const char* says = "";  // the reply begins so; empty: there is none
};

using enum Action;

const Case cases[] = {
    {"a sloppy From without proof", [](Facts& f, RuleSet&) { f.author = readable("a.example"); },
     reject, "author",
     "550 5.7.1 the From field is not valid: a comma outside quotes, and neither SPF nor DKIM "
     "passes for a.example"},
    {"a sloppy From with DMARC's pass by DKIM",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       f.dmarc.code = dmarc::Code::pass;
       f.dmarc.aligned_dkim = true;
     },
     accept, "dmarc"},
    {"a sloppy From with DMARC's pass by an SPF record that allows everybody",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       f.dmarc.code = dmarc::Code::pass;
       f.dmarc.aligned_spf = true;
       spf_is(f, spf::Code::pass);
       f.spf_mail_from.overbroad = true;
     },
     reject, "author", "550 5.7.1 "},
    {"a sloppy From with SPF's pass and no policy",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       spf_is(f, spf::Code::pass);
     },
     accept, "default"},
    {"a sloppy From with a signature of the organisation and no policy",
     [](Facts& f, RuleSet&) {
       f.author = readable("news.a.example");
       f.dmarc.from = f.dmarc.org_domain = "news.a.example";
       f.dkim.emplace_back();
       f.dkim.back().code = dkim::Code::pass;
       f.dkim.back().domain = "a.example";
     },
     accept, "default"},
    {"a sloppy From with another's pass",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       spf_is(f, spf::Code::pass);
       f.spf_mail_from.domain = "b.example";
     },
     reject, "author", "550 5.7.1 "},
    {"a sloppy From that DMARC fails",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       spf_is(f, spf::Code::pass);
       p_quarantine(f);
     },
     reject, "author", "550 5.7.1 "},
    {"a sloppy From in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       f.mail_from = {};
     },
     reject, "author", "550 5.7.1 "},
    {"a sloppy From without proof, tagged",
     [](Facts& f, RuleSet& r) {
       f.author = readable("a.example");
       r.defaults.author.malformed = OnMalformedAuthor::tag;
     },
     tag, "author"},
    {"a sloppy From without proof, tagged, whose owner asks for more",
     [](Facts& f, RuleSet& r) {
       f.author = readable("a.example");
       p_quarantine(f);
       r.defaults.author.malformed = OnMalformedAuthor::tag;
     },
     quarantine, "dmarc"},
    {"a sloppy From without proof, tagged, whose policy cannot be read",
     [](Facts& f, RuleSet& r) {
       f.author = readable("a.example");
       dmarc_temperror(f);
       r.defaults.author.malformed = OnMalformedAuthor::tag;
     },
     tempfail, "dmarc", "451 4.7.1 "},
    {"a sloppy From with proof where it counts as malformed",
     [](Facts& f, RuleSet& r) {
       f.author = readable("a.example");
       f.dmarc.code = dmarc::Code::pass;
       f.dmarc.aligned_dkim = true;
       r.defaults.author.readable = OnReadableAuthor::malformed;
     },
     reject, "author", "550 5.7.1 the From field must name one author domain: a comma"},
    {"a sloppy From whose proof cannot be known now",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       dmarc_temperror(f);
     },
     tempfail, "author", "451 4.7.1 "},
    {"a sloppy From whose proof cannot be known for long",
     [](Facts& f, RuleSet& r) {
       f.author = readable("a.example");
       dmarc_temperror(f);
       f.deferred_for = r.defaults.dmarc.defer_for;
     },
     reject, "author", "550 5.7.1 "},
    {"a sloppy From that is aligned while the policy cannot be read",
     [](Facts& f, RuleSet&) {
       f.author = readable("a.example");
       dmarc_temperror(f);
       f.dmarc.aligned_dkim = true;
     },
     accept, "dmarc"},
};

TEST(SloppyAuthor, IsTreatedByWhatProvesIt) {
  for (const auto& test_case : cases) {
    Facts facts = plain();
    RuleSet rules;
    test_case.change(facts, rules);
    const auto decision = decide(facts, rules).message;
    EXPECT_EQ(to_string(decision.action), to_string(test_case.action)) << test_case.name;
    EXPECT_EQ(decision.rule, test_case.rule) << test_case.name;
    const std::string reply = decision.reply ? decision.reply->line() : "";
    EXPECT_EQ(reply.empty(), *test_case.says == 0) << test_case.name;
    EXPECT_TRUE(reply.starts_with(test_case.says)) << test_case.name << ": " << reply;
  }
}

}  // namespace
}  // namespace sekisho::policy
