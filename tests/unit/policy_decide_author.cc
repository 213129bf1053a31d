// What is done with a message by its author, as a table.
#include "policy/decide.h"

#include <gtest/gtest.h>

#include "support/decide_cases.h"

namespace sekisho::policy {

namespace {

class DecideAuthor : public testing::TestWithParam<Case> {};

TEST_P(DecideAuthor, AsTheTableSays) { expect_decision(GetParam()); }

using R = mail::Author::Result;
using enum Action;

const Case author_cases[] = {
    {"nothing speaks", [](Facts&, RuleSet&) {}, accept, "default"},
    {"two author domains", [](Facts& f, RuleSet&) { f.author = malformed(R::many); }, reject,
     "author", "550 5.7.1 the From field must name one author domain: a reason"},
    {"two From fields", [](Facts& f, RuleSet&) { f.author = malformed(R::multiple_fields); },
     reject, "author", "550 5.7.1 "},
    {"unreadable From", [](Facts& f, RuleSet&) { f.author = malformed(R::invalid); }, reject,
     "author", "550 5.7.1 "},
    {"no From", [](Facts& f, RuleSet&) { f.author = malformed(R::missing); }, reject, "author",
     "550 5.7.1 "},
    {"no From in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = malformed(R::missing);
       f.mail_from.clear();
     },
     tag, "author"},
    {"domainless From in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = malformed(R::no_domain);
       f.mail_from.clear();
     },
     tag, "author"},
    {"two author domains in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = malformed(R::many);
       f.mail_from.clear();
     },
     reject, "author", "550 5.7.1 "},
    {"unreadable From in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = malformed(R::invalid);
       f.mail_from.clear();
     },
     reject, "author", "550 5.7.1 "},
    {"malformed author quarantined",
     [](Facts& f, RuleSet& r) {
       f.author = malformed(R::many);
       r.defaults.author.malformed = OnMalformedAuthor::quarantine;
     },
     quarantine, "author"},
    {"malformed author tagged",
     [](Facts& f, RuleSet& r) {
       f.author = malformed(R::many);
       r.defaults.author.malformed = OnMalformedAuthor::tag;
     },
     tag, "author"},
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
       f.mail_from.clear();
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
    {"malformed author speaks before SPF",
     [](Facts& f, RuleSet& r) {
       f.author = malformed(R::many);
       spf_is(f, spf::Code::fail);
       r.defaults.spf.fail = OnSpfFail::reject;
     },
     reject, "author", "550 5.7.1 "},
    {"header over the limits",
     [](Facts& f, RuleSet&) {
       f.header_over_limits = true;
       f.author = malformed(R::many);
     },
     reject, "limits", "552 5.3.4 header too large"},
    {"released",
     [](Facts& f, RuleSet&) {
       f.exemption = Exemption::released;
       p_reject(f);
     },
     accept, "exempt"},
    {"exempt, whatever else",
     [](Facts& f, RuleSet&) {
       f.exemption = Exemption::trusted_network;
       f.header_over_limits = true;
       f.author = malformed(R::many);
     },
     accept, "exempt"},
    {"authenticated",
     [](Facts& f, RuleSet&) {
       f.exemption = Exemption::authenticated;
       p_reject(f);
     },
     accept, "exempt"},
};

INSTANTIATE_TEST_SUITE_P(Author, DecideAuthor, testing::ValuesIn(author_cases));

}  // namespace

}  // namespace sekisho::policy
