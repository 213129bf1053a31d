// What is done with a message, as a table: facts, rules, and the decision.
#include "policy/decide.h"

#include <functional>

#include <gtest/gtest.h>

namespace sekisho::policy {

namespace {

using Change = std::function<void(Facts&, RuleSet&)>;

mail::DomainName domain(std::string_view text) { return mail::DomainName::parse(text).value(); }

mail::Author author_of(std::string_view name) {
  mail::Author author;
  author.result = mail::Author::Result::one;
  author.domains = {domain(name)};
  return author;
}

mail::Author malformed(mail::Author::Result result) {
  mail::Author author;
  author.result = result;
  author.reason = "a reason";
  return author;
}

// A message against which nothing speaks and for which nothing does.
Facts plain() {
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

void dmarc_fails(Facts& facts, dmarc::Policy published, dmarc::Policy requested) {
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.tag = "p";
  facts.dmarc.policy = published;
  facts.dmarc.requested = requested;
  facts.dmarc.published = dmarc::Published{};
  facts.dmarc.published->p = published;
}

void p_reject(Facts& facts) { dmarc_fails(facts, dmarc::Policy::reject, dmarc::Policy::reject); }

void p_quarantine(Facts& facts) {
  dmarc_fails(facts, dmarc::Policy::quarantine, dmarc::Policy::quarantine);
}

void dmarc_temperror(Facts& facts) {
  facts.dmarc.code = dmarc::Code::temperror;
  facts.dmarc.policy = dmarc::Policy::none;
  facts.dmarc.published.reset();
}

void spf_is(Facts& facts, spf::Code code) { facts.spf_mail_from.code = code; }

struct Case {
  const char* name;
  Change change;
  Action action;
  const char* rule;
  const char* says = "";      // the reply begins so; empty: there is none
  const char* evidence = "";  // joined by blanks
  std::optional<Action> monitored = std::nullopt;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

class Decide : public testing::TestWithParam<Case> {};

TEST_P(Decide, AsTheTableSays) {
  Facts facts = plain();
  RuleSet rules;
  GetParam().change(facts, rules);
  const auto verdict = decide(facts, rules);
  const auto& decision = verdict.message;
  EXPECT_EQ(to_string(decision.action), to_string(GetParam().action));
  EXPECT_EQ(decision.rule, GetParam().rule);
  EXPECT_EQ(joined(decision.evidence), GetParam().evidence);
  EXPECT_EQ(decision.monitored, GetParam().monitored);
  const std::string says = GetParam().says;
  if (decision.monitored) return;  // its reply is what would have been said
  ASSERT_EQ(decision.reply.has_value(), !says.empty());
  if (decision.reply) {
    EXPECT_EQ(decision.reply->line().substr(0, says.size()), says);
    EXPECT_TRUE(decision.reply->line().ends_with(" (id=AAAA-BBBB)")) << decision.reply->line();
  }
}

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
       f.mail_from = {};
     },
     tag, "author"},
    {"domainless From in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = malformed(R::no_domain);
       f.mail_from = {};
     },
     tag, "author"},
    {"two author domains in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = malformed(R::many);
       f.mail_from = {};
     },
     reject, "author", "550 5.7.1 "},
    {"unreadable From in a bounce",
     [](Facts& f, RuleSet&) {
       f.author = malformed(R::invalid);
       f.mail_from = {};
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

Change rejecting(Change also) {
  return [also](Facts& f, RuleSet& r) {
    p_reject(f);
    also(f, r);
  };
}

void np_reject(Facts& f, RuleSet&) {
  f.dmarc.tag = "np";
  f.dmarc.author_exists = false;
}
void list_field(Facts& f) { f.traces.fields = {"List-Id"}; }
void own_domain(Facts& f) { f.author_is_ours = true; }
void spf_fails(Facts& f) { spf_is(f, spf::Code::fail); }

// RFC 9989 §7.4: p=reject alone never suffices.
const Case corroboration[] = {
    {"p=reject alone", rejecting([](Facts&, RuleSet&) {}), quarantine, "dmarc"},
    {"np=reject, no such domain", rejecting(np_reject), reject, "dmarc",
     "550 5.7.1 rejected by DMARC policy for a.example", "author-domain-does-not-exist"},
    {"np, and over a list: no honest list makes up a domain", rejecting([](Facts& f, RuleSet& r) {
       np_reject(f, r);
       list_field(f);
     }),
     reject, "dmarc", "550 5.7.1 ", "author-domain-does-not-exist"},
    {"np, but the domain exists", rejecting([](Facts& f, RuleSet&) { f.dmarc.tag = "np"; }),
     quarantine, "dmarc"},
    {"sp, and no such domain", rejecting([](Facts& f, RuleSet&) {
       f.dmarc.tag = "sp";
       f.dmarc.author_exists = false;
     }),
     quarantine, "dmarc"},
    {"own domain from outside", rejecting([](Facts& f, RuleSet&) { own_domain(f); }), reject,
     "dmarc", "550 5.7.1 ", "own-domain-from-outside"},
    {"own domain over a list", rejecting([](Facts& f, RuleSet&) {
       own_domain(f);
       list_field(f);
     }),
     quarantine, "dmarc"},
    {"own domain with a broken author signature", rejecting([](Facts& f, RuleSet&) {
       own_domain(f);
       f.traces.author_signature = true;
     }),
     quarantine, "dmarc"},
    {"SPF fail never suffices alone", rejecting([](Facts& f, RuleSet&) { spf_fails(f); }),
     quarantine, "dmarc", "", "spf-fail-aligned"},
    {"SPF fail over a list", rejecting([](Facts& f, RuleSet&) {
       spf_fails(f);
       list_field(f);
     }),
     quarantine, "dmarc"},
    {"SPF fail below the author's organisation", rejecting([](Facts& f, RuleSet&) {
       spf_fails(f);
       f.spf_mail_from.domain = "bounce.a.example";
     }),
     quarantine, "dmarc", "", "spf-fail-aligned"},
    {"the same under strict alignment", rejecting([](Facts& f, RuleSet&) {
       spf_fails(f);
       f.spf_mail_from.domain = "bounce.a.example";
       f.dmarc.published->aspf_strict = true;
     }),
     quarantine, "dmarc"},
    {"SPF fail of somebody else", rejecting([](Facts& f, RuleSet&) {
       spf_fails(f);
       f.spf_mail_from.domain = "b.example";
     }),
     quarantine, "dmarc"},
    {"SPF softfail is no evidence",
     rejecting([](Facts& f, RuleSet&) { spf_is(f, spf::Code::softfail); }), quarantine, "dmarc"},
    {"both kinds of evidence", rejecting([](Facts& f, RuleSet&) {
       own_domain(f);
       spf_fails(f);
     }),
     reject, "dmarc", "550 5.7.1 ", "own-domain-from-outside spf-fail-aligned"},
    {"always",
     rejecting([](Facts&, RuleSet& r) { r.defaults.dmarc.reject = OnDmarcReject::always; }), reject,
     "dmarc", "550 5.7.1 rejected by DMARC policy for a.example"},
    {"quarantine here", rejecting([](Facts& f, RuleSet& r) {
       own_domain(f);
       r.defaults.dmarc.reject = OnDmarcReject::quarantine;
     }),
     quarantine, "dmarc", "", "own-domain-from-outside"},
    {"tag here",
     rejecting([](Facts&, RuleSet& r) { r.defaults.dmarc.reject = OnDmarcReject::tag; }), tag,
     "dmarc"},
    {"local never refuses", rejecting([](Facts& f, RuleSet& r) {
       f.role = Role::local;
       r.defaults.dmarc.reject = OnDmarcReject::always;
     }),
     tag, "dmarc", "", "role-local:reject"},
    {"local never holds", rejecting([](Facts& f, RuleSet&) { f.role = Role::local; }), tag, "dmarc",
     "", "role-local:quarantine"},
    {"local never defers",
     [](Facts& f, RuleSet&) {
       f.role = Role::local;
       dmarc_temperror(f);
     },
     tag, "dmarc", "", "role-local:tempfail"},
    {"submission is judged as mx is", rejecting([](Facts& f, RuleSet&) {
       f.role = Role::submission;
       own_domain(f);
     }),
     reject, "dmarc", "550 5.7.1 ", "own-domain-from-outside"},
};

Change overridden(std::string_view name, DmarcOverride what) {
  return rejecting([what, at = domain(name)](Facts&, RuleSet& r) mutable {
    what.domain = at;
    r.overrides.push_back(what);
  });
}

DmarcOverride says(std::optional<OnDmarcReject> on_reject,
                   std::optional<OnDmarcQuarantine> on_quarantine = std::nullopt,
                   std::optional<OnTemperror> on_temperror = std::nullopt) {
  return {domain("x.example"), on_reject, on_quarantine, on_temperror};
}

const Case dmarc_cases[] = {
    {"pass ends it, SPF fail or not",
     [](Facts& f, RuleSet& r) {
       f.dmarc.code = dmarc::Code::pass;
       spf_is(f, spf::Code::fail);
       r.defaults.spf.fail = OnSpfFail::reject;
     },
     accept, "dmarc"},
    {"p=none leaves it to SPF",
     [](Facts& f, RuleSet&) {
       dmarc_fails(f, dmarc::Policy::none, dmarc::Policy::none);
       spf_is(f, spf::Code::fail);
     },
     tag, "spf"},
    {"p=quarantine", [](Facts& f, RuleSet&) { p_quarantine(f); }, quarantine, "dmarc"},
    {"p=quarantine tagged here",
     [](Facts& f, RuleSet& r) {
       p_quarantine(f);
       r.defaults.dmarc.quarantine = OnDmarcQuarantine::tag;
     },
     tag, "dmarc"},
    {"p=quarantine rejected here",
     [](Facts& f, RuleSet& r) {
       p_quarantine(f);
       r.defaults.dmarc.quarantine = OnDmarcQuarantine::reject;
     },
     reject, "dmarc", "550 5.7.1 rejected by DMARC policy for a.example"},
    {"p=reject with t=y asks for quarantine",
     [](Facts& f, RuleSet& r) {
       dmarc_fails(f, dmarc::Policy::reject, dmarc::Policy::quarantine);
       r.defaults.dmarc.reject = OnDmarcReject::always;
     },
     quarantine, "dmarc"},
    {"p=quarantine with t=y asks for nothing",
     [](Facts& f, RuleSet&) { dmarc_fails(f, dmarc::Policy::quarantine, dmarc::Policy::none); },
     accept, "default"},
    {"permerror of a record is no fail",
     [](Facts& f, RuleSet&) { f.dmarc.code = dmarc::Code::permerror; }, accept, "default"},
    {"override of the domain", overridden("a.example", says(OnDmarcReject::always)), reject,
     "dmarc", "550 5.7.1 "},
    {"override of a parent", overridden("example", says(OnDmarcReject::tag)), tag, "dmarc"},
    {"override of a neighbour", overridden("b.example", says(OnDmarcReject::always)), quarantine,
     "dmarc"},
    {"override that says nothing of reject",
     overridden("a.example", says(std::nullopt, OnDmarcQuarantine::tag)), quarantine, "dmarc"},
    {"the most specific override wins", rejecting([](Facts& f, RuleSet& r) {
       f.author = author_of("news.a.example");
       r.overrides = {{domain("a.example"), OnDmarcReject::always, {}, {}},
                      {domain("news.a.example"), OnDmarcReject::tag, {}, {}},
                      {domain("example"), OnDmarcReject::quarantine, {}, {}}};
     }),
     tag, "dmarc"},
    {"override of quarantine",
     [](Facts& f, RuleSet& r) {
       p_quarantine(f);
       r.overrides = {{domain("a.example"), {}, OnDmarcQuarantine::reject, {}}};
     },
     reject, "dmarc", "550 5.7.1 "},
    {"override of temperror",
     [](Facts& f, RuleSet& r) {
       dmarc_temperror(f);
       r.overrides = {{domain("a.example"), {}, {}, OnTemperror::accept}};
     },
     accept, "default"},
};

Change deferred(std::optional<std::chrono::seconds> since, std::chrono::seconds limit) {
  return [=](Facts& f, RuleSet& r) {
    dmarc_temperror(f);
    f.deferred_for = since;
    r.defaults.dmarc.defer_for = limit;
  };
}

using std::chrono::hours;
using std::chrono::seconds;

const Case temperror_cases[] = {
    {"no record could be read", [](Facts& f, RuleSet&) { dmarc_temperror(f); }, tempfail, "dmarc",
     "451 4.7.1 temporary failure: DMARC of a.example cannot be evaluated now"},
    {"a policy that matters",
     [](Facts& f, RuleSet&) {
       p_reject(f);
       f.dmarc.code = dmarc::Code::temperror;
     },
     tempfail, "dmarc", "451 4.7.1 "},
    {"p=none does not matter",
     [](Facts& f, RuleSet&) {
       dmarc_fails(f, dmarc::Policy::none, dmarc::Policy::none);
       f.dmarc.code = dmarc::Code::temperror;
     },
     accept, "default"},
    {"accepted by the rule",
     [](Facts& f, RuleSet& r) {
       dmarc_temperror(f);
       r.defaults.dmarc.temperror = OnTemperror::accept;
     },
     accept, "default"},
    {"accepted, then SPF's turn",
     [](Facts& f, RuleSet& r) {
       dmarc_temperror(f);
       spf_is(f, spf::Code::fail);
       r.defaults.dmarc.temperror = OnTemperror::accept;
     },
     tag, "spf"},
    {"deferred for a second less", deferred(hours(4) - seconds(1), hours(4)), tempfail, "dmarc",
     "451 4.7.1 "},
    {"deferred for exactly so long", deferred(hours(4), hours(4)), tag, "dmarc"},
    {"deferred for longer", deferred(hours(40), hours(4)), tag, "dmarc"},
    {"never deferred, limit 0", deferred(std::nullopt, seconds(0)), tempfail, "dmarc",
     "451 4.7.1 "},
    {"deferred once, limit 0", deferred(seconds(0), seconds(0)), tag, "dmarc"},
    {"SPF temperror accepted", [](Facts& f, RuleSet&) { spf_is(f, spf::Code::temperror); }, accept,
     "default"},
    {"SPF temperror deferred",
     [](Facts& f, RuleSet& r) {
       spf_is(f, spf::Code::temperror);
       r.defaults.spf.temperror = OnTemperror::tempfail;
     },
     tempfail, "spf", "451 4.7.24 temporary failure: SPF of a.example cannot be evaluated now"},
    {"SPF temperror deferred long enough",
     [](Facts& f, RuleSet& r) {
       spf_is(f, spf::Code::temperror);
       f.deferred_for = hours(5);
       r.defaults.spf.temperror = OnTemperror::tempfail;
     },
     tag, "spf"},
};

Change spf_rule(OnSpfFail action, std::string explanation = {}) {
  return [action, explanation](Facts& f, RuleSet& r) {
    spf_is(f, spf::Code::fail);
    f.spf_mail_from.explanation = explanation;
    r.defaults.spf.fail = action;
  };
}

const Case spf_cases[] = {
    {"SPF fail tags", spf_rule(OnSpfFail::tag), tag, "spf"},
    {"SPF fail quarantines", spf_rule(OnSpfFail::quarantine), quarantine, "spf"},
    {"SPF fail rejects", spf_rule(OnSpfFail::reject), reject, "spf",
     "550 5.7.23 SPF fail: a.example does not permit this client (id="},
    {"the explanation is the sender's", spf_rule(OnSpfFail::reject, "Go away"), reject, "spf",
     "550 5.7.23 SPF fail: a.example does not permit this client; a.example explained: Go away"},
    {"a long explanation leaves room for the id",
     spf_rule(OnSpfFail::reject, std::string(4000, 'x')), reject, "spf", "550 5.7.23 "},
    {"an explanation with line breaks is one line",
     spf_rule(OnSpfFail::reject, "a\r\n250 ok\x1b[2J"), reject, "spf",
     "550 5.7.23 SPF fail: a.example does not permit this client; a.example explained: a??250 "
     "ok?[2J"},
};

const Case monitor_cases[] = {
    {"everything monitored", rejecting([](Facts& f, RuleSet& r) {
       own_domain(f);
       r.defaults.monitor = true;
     }),
     accept, "dmarc", "", "own-domain-from-outside", reject},
    {"limits monitored",
     [](Facts& f, RuleSet& r) {
       f.header_over_limits = true;
       r.defaults.monitor = true;
     },
     accept, "limits", "", "", reject},
    {"author monitored, nothing else speaks",
     [](Facts& f, RuleSet& r) {
       f.author = malformed(R::many);
       r.defaults.author.monitor = true;
     },
     accept, "author", "", "", reject},
    {"author monitored, then SPF",
     [](Facts& f, RuleSet& r) {
       f.author = malformed(R::many);
       spf_is(f, spf::Code::fail);
       r.defaults.author.monitor = true;
     },
     tag, "spf", "", "", reject},
    {"DMARC monitored, nothing else speaks",
     rejecting([](Facts&, RuleSet& r) { r.defaults.dmarc.monitor = true; }), accept, "dmarc", "",
     "", quarantine},
    {"DMARC monitored, then SPF", rejecting([](Facts& f, RuleSet& r) {
       r.defaults.dmarc.monitor = true;
       r.defaults.spf.fail = OnSpfFail::reject;
       spf_is(f, spf::Code::fail);
     }),
     reject, "spf", "550 5.7.23 ", "", quarantine},
    {"DMARC and SPF monitored: the record shows the first", rejecting([](Facts& f, RuleSet& r) {
       r.defaults.dmarc.monitor = r.defaults.spf.monitor = true;
       r.defaults.spf.fail = OnSpfFail::reject;
       own_domain(f);
       list_field(f);
       spf_is(f, spf::Code::fail);
     }),
     accept, "dmarc", "", "", quarantine},
    {"SPF monitored",
     [](Facts& f, RuleSet& r) {
       spf_is(f, spf::Code::fail);
       r.defaults.spf.monitor = true;
     },
     accept, "spf", "", "", tag},
    {"a deferral monitored",
     [](Facts& f, RuleSet& r) {
       dmarc_temperror(f);
       r.defaults.dmarc.monitor = true;
     },
     accept, "dmarc", "", "", tempfail},
    {"local and monitored", rejecting([](Facts& f, RuleSet& r) {
       f.role = Role::local;
       r.defaults.monitor = true;
     }),
     accept, "dmarc", "", "", quarantine},
};

INSTANTIATE_TEST_SUITE_P(Author, Decide, testing::ValuesIn(author_cases));
INSTANTIATE_TEST_SUITE_P(Corroboration, Decide, testing::ValuesIn(corroboration));
INSTANTIATE_TEST_SUITE_P(Dmarc, Decide, testing::ValuesIn(dmarc_cases));
INSTANTIATE_TEST_SUITE_P(Temperror, Decide, testing::ValuesIn(temperror_cases));
INSTANTIATE_TEST_SUITE_P(Spf, Decide, testing::ValuesIn(spf_cases));
INSTANTIATE_TEST_SUITE_P(Monitor, Decide, testing::ValuesIn(monitor_cases));

// RFC 9990: a policy that was not applied is reported to its owner; one that was applied is not.
TEST(DecideOverrides, MilderThanAskedIsReported) {
  const auto types = [](const Change& change) {
    Facts facts = plain();
    RuleSet rules;
    change(facts, rules);
    std::string text;
    for (const auto& [type, comment] : decide(facts, rules).message.overrides) {
      text += type + ":" + comment + ";";
    }
    return text;
  };
  EXPECT_EQ(types(rejecting([](Facts&, RuleSet&) {})), "local_policy:not corroborated;");
  EXPECT_EQ(types(rejecting([](Facts& f, RuleSet&) { own_domain(f); })), "");
  EXPECT_EQ(types([](Facts& f, RuleSet&) { p_quarantine(f); }), "");
  EXPECT_EQ(types(overridden("a.example", says(OnDmarcReject::tag))), "local_policy:reject=tag;");
}

}  // namespace

}  // namespace sekisho::policy
