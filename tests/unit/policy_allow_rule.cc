// What the two lists lead to: who is denied, what an entry keeps DMARC, SPF and the author rule
// from, and which entry a message could prove.
#include <functional>

#include <gtest/gtest.h>

#include "policy/allow_proposal.h"
#include "policy/decide.h"
#include "support/allow_lists.h"

namespace sekisho::policy {

namespace {

using test::allowlist_of;
using test::denylist_of;

// List mail under p=reject: the author's signature is broken, the list's own is good.
Facts list_mail() {
  Facts facts;
  facts.id = "AAAA-BBBB";
  facts.received = parse_time("2026-11-21T09:30:00Z").value();
  facts.client.address = mail::IpAddress::parse("198.51.100.7").value();
  facts.mail_from = "owner-freebsd-net+m123@freebsd.example";
  facts.recipients = {"user@example.jp"};
  facts.author.result = mail::Author::Result::one;
  facts.author.mailboxes = {mail::Mailbox::parse("ann@bank.example").value()};
  facts.author.domains = {facts.author.mailboxes[0].domain};
  facts.spf_mail_from.code = spf::Code::none;
  facts.spf_mail_from.domain = "freebsd.example";
  facts.traces.fields = {"List-Id", "List-Post"};
  dkim::SignatureResult broken;
  broken.code = dkim::Code::fail;
  broken.domain = "bank.example";
  dkim::SignatureResult own;
  own.code = dkim::Code::pass;
  own.domain = "lists.freebsd.example";
  facts.dkim = {broken, own};
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.from = "bank.example";
  facts.dmarc.org_domain = "bank.example";
  facts.dmarc.tag = "p";
  facts.dmarc.policy = dmarc::Policy::reject;
  facts.dmarc.requested = dmarc::Policy::reject;
  facts.dmarc.published = dmarc::Published{};
  return facts;
}

using Change = std::function<void(Facts&, RuleSet&)>;

struct Case {
  const char* name;
  const char* allow;
  const char* deny;
  Change change;
  Action action;
  const char* rule;
  const char* overrides = "";
};

const auto as_it_is = [](Facts&, RuleSet&) {};

void spf_rejects(Facts& facts, RuleSet& rules) {
  facts.spf_mail_from.code = spf::Code::fail;
  rules.defaults.spf.fail = OnSpfFail::reject;
}

void two_authors(Facts& facts, RuleSet&) { facts.author.result = mail::Author::Result::many; }

void temperror(Facts& facts, RuleSet&) {
  facts.dmarc.code = dmarc::Code::temperror;
  facts.dmarc.published.reset();
}

const char* const list_entry = "dkim:lists.freebsd.example dmarc=accept";

using enum Action;

const Case cases[] = {
    {"no entry", "", "", as_it_is, quarantine, "dmarc", "local_policy:not corroborated"},
    {"the list's own proof", list_entry, "", as_it_is, accept, "allowlist",
     "mailing_list:dkim:lists.freebsd.example"},
    {"a forwarder's own proof", list_entry, "",
     [](Facts& f, RuleSet&) { f.traces.fields = {"Resent-From"}; }, accept, "allowlist",
     "trusted_forwarder:dkim:lists.freebsd.example"},
    {"an author without proof", "from:bank.example proof=none dmarc=accept", "", as_it_is, accept,
     "allowlist", "local_policy:from:bank.example"},
    {"the list's broken signature", list_entry, "",
     [](Facts& f, RuleSet&) { f.dkim[1].code = dkim::Code::fail; }, quarantine, "dmarc",
     "local_policy:not corroborated"},
    {"tagged", "dkim:lists.freebsd.example dmarc=tag", "", as_it_is, tag, "dmarc",
     "mailing_list:dkim:lists.freebsd.example"},
    {"an entry is never harder than the rule", "dkim:lists.freebsd.example dmarc=quarantine", "",
     [](Facts&, RuleSet& r) { r.defaults.dmarc.reject = OnDmarcReject::tag; }, tag, "dmarc",
     "local_policy:reject=tag"},
    {"a refusal becomes quarantine", "dkim:lists.freebsd.example dmarc=quarantine", "",
     [](Facts&, RuleSet& r) { r.defaults.dmarc.reject = OnDmarcReject::always; }, quarantine,
     "dmarc", "mailing_list:dkim:lists.freebsd.example"},
    {"an entry about lists changes nothing of DMARC", "dkim:lists.freebsd.example skip=dnsbl,rhsbl",
     "", as_it_is, quarantine, "dmarc", "local_policy:not corroborated"},
    {"DMARC passes: nothing is overridden", list_entry, "",
     [](Facts& f, RuleSet&) { f.dmarc.code = dmarc::Code::pass; }, accept, "dmarc"},
    {"p=none: nothing is overridden", list_entry, "",
     [](Facts& f, RuleSet&) { f.dmarc.requested = dmarc::Policy::none; }, accept, "default"},
    {"a policy that cannot be read", "", "", temperror, tempfail, "dmarc"},
    {"a policy that need not be read", list_entry, "", temperror, accept, "allowlist"},
    {"a policy that is worth waiting for", "dkim:lists.freebsd.example dmarc=quarantine", "",
     temperror, tempfail, "dmarc"},
    {"dmarc=accept does not skip SPF", list_entry, "", spf_rejects, reject, "spf",
     "mailing_list:dkim:lists.freebsd.example"},
    {"spf=accept does", "dkim:lists.freebsd.example dmarc=accept spf=accept", "", spf_rejects,
     accept, "allowlist", "mailing_list:dkim:lists.freebsd.example"},
    {"no entry skips the author rule", "ip:198.51.100.7 skip=all", "", two_authors, reject,
     "author"},
    {"but one of an address that says so", "ip:198.51.100.7 skip=author", "", two_authors, accept,
     "default"},
    {"nor a limit", "ip:198.51.100.7 skip=all,author", "",
     [](Facts& f, RuleSet&) { f.header_over_limits = true; }, reject, "limits"},
    {"denied before allowed", list_entry, "ip:198.51.100.0/24", as_it_is, reject, "denylist"},
    {"denied after a malformed author", "", "ip:198.51.100.0/24", two_authors, reject, "author"},
    {"a tag for the author does not save who is denied", "", "ip:198.51.100.0/24",
     [](Facts& f, RuleSet& r) {
       two_authors(f, r);
       r.defaults.author.malformed = OnMalformedAuthor::tag;
     },
     reject, "denylist"},
    {"the hardest of two denials", "",
     "from:bank.example action=tag\nmfrom:freebsd.example action=quarantine", as_it_is, quarantine,
     "denylist"},
    {"a general denial and a specific exception", "",
     "ip:198.51.100.0/24\nip:198.51.100.7 action=tag", as_it_is, tag, "denylist"},
    {"denied mail of our own", "", "from:bank.example",
     [](Facts& f, RuleSet&) { f.role = Role::local; }, tag, "denylist"},
};

std::string overrides_text(const Decision& decision) {
  std::string text;
  for (const auto& [type, comment] : decision.overrides) {
    text += (text.empty() ? "" : " ") + type + ":" + comment;
  }
  return text;
}

TEST(AllowRule, AsTheTableSays) {
  for (const auto& c : cases) {
    Facts facts = list_mail();
    RuleSet rules;
    rules.allowlist = allowlist_of(c.allow);
    rules.denylist = denylist_of(c.deny);
    c.change(facts, rules);
    match_access_lists(facts, rules);
    const auto decision = decide(facts, rules).message;
    EXPECT_EQ(to_string(decision.action), to_string(c.action)) << c.name;
    EXPECT_EQ(decision.rule, c.rule) << c.name;
    EXPECT_EQ(overrides_text(decision), c.overrides) << c.name;
    EXPECT_EQ(decision.reply.has_value(), c.action == reject || c.action == tempfail) << c.name;
  }
}

TEST(AllowRule, DenialTellsTheSenderNothingAndTheLogWhich) {
  Facts facts = list_mail();
  RuleSet rules;
  rules.denylist = denylist_of("\n\nfrom:bank.example note=\"phishing\"");
  match_access_lists(facts, rules);
  const auto decision = decide(facts, rules).message;
  ASSERT_TRUE(decision.reply);
  EXPECT_EQ(decision.reply->line(), "550 5.7.1 rejected by local policy (id=AAAA-BBBB)");
  EXPECT_EQ(decision.reason, "denied: from:bank.example (deny:3)");
}

TEST(AllowRule, MonitorModeDeniesNobody) {
  Facts facts = list_mail();
  RuleSet rules;
  rules.denylist = denylist_of("from:bank.example");
  rules.defaults.monitor = true;
  match_access_lists(facts, rules);
  const auto decision = decide(facts, rules).message;
  EXPECT_EQ(decision.action, accept);
  EXPECT_EQ(decision.monitored, reject);
}

// Denial comes first: what it always has for an entry of the allowlist makes that entry useless.
TEST(Denylist, IsAlwaysBeforeAnEntry) {
  struct Before {
    const char* deny;
    const char* allow;
    bool always;
  };
  const Before orders[] = {
      {"from:a.example", "from:a.example skip=dnsbl", true},
      {"from:a.example action=tag", "from:user@a.example skip=dnsbl", true},
      {"from:.example", "from:.a.example skip=dnsbl", true},
      {"from:user@a.example", "from:a.example skip=dnsbl", false},
      {"mfrom:a.example", "from:a.example skip=dnsbl", false},
      {"from:b.example", "from:a.example skip=dnsbl", false},
      {"ip:192.0.2.0/24", "ip:192.0.2.1 skip=all", true},
      {"ip:192.0.2.0/24", "ip:192.0.2.1 skip=author", false},
      {"ip:192.0.2.0", "ip:192.0.2.0/24 skip=all", false},
      {"ip:2001:db8::/32", "ip:192.0.2.1 skip=all", false},
      {"from:a.example until=2020-01-31", "from:a.example skip=dnsbl", false},
      {"from:a.example until=2030-01-31", "from:a.example skip=dnsbl", false},
      {"from:a.example until=2030-01-31", "from:a.example skip=dnsbl until=2029-01-31", true},
  };
  for (const auto& c : orders) {
    const auto entry = AccessEntry::parse(c.allow, AccessKind::allow).value();
    const auto* found = denylist_of(c.deny)->always_before(entry, list_mail().received);
    EXPECT_EQ(found != nullptr, c.always) << c.deny << " / " << c.allow;
  }
}

TEST(AllowRule, PermissionsOfSeveralEntriesAddUp) {
  Facts facts = list_mail();
  RuleSet rules;
  rules.allowlist = allowlist_of(
      "ip:198.51.100.7 skip=dnsbl dmarc=tag\ndkim:lists.freebsd.example skip=rhsbl dmarc=accept");
  match_access_lists(facts, rules);
  EXPECT_EQ(to_text(effect_of(facts.allowlist)), "skip=dnsbl,rhsbl dmarc=accept");
}

// --- what to propose -----------------------------------------------------------------------------

Decision refused_by(std::string rule) {
  Decision decision;
  decision.action = reject;
  decision.rule = std::move(rule);
  return decision;
}

void dmarc_passes(Facts& facts) { facts.dmarc.code = dmarc::Code::pass; }
void nothing_proves(Facts& facts) { facts.dkim.pop_back(); }

struct Proposed {
  const char* name;
  const char* rule;
  std::function<void(Facts&)> change;
  const char* entry;  // empty: none
  const char* says;   // a part of the reason
};

const Proposed proposals[] = {
    {"the list's own signature", "dmarc", [](Facts&) {}, "dkim:lists.freebsd.example dmarc=accept",
     "dkim=pass with d=lists.freebsd.example"},
    {"against SPF", "spf", [](Facts&) {}, "dkim:lists.freebsd.example spf=accept", "dkim=pass"},
    {"against an address list", "dnsbl:zen", [](Facts&) {}, "dkim:lists.freebsd.example skip=dnsbl",
     "dkim=pass"},
    {"against a domain list", "rhsbl:dbl", dmarc_passes, "from:ann@bank.example skip=rhsbl",
     "dmarc=pass for bank.example"},
    {"against a sum of lists", "lists", dmarc_passes, "from:ann@bank.example skip=dnsbl,rhsbl",
     "dmarc=pass"},
    {"two authors of one domain", "lists",
     [](Facts& f) {
       dmarc_passes(f);
       f.author.mailboxes.push_back(mail::Mailbox::parse("b@bank.example").value());
     },
     "from:bank.example skip=dnsbl,rhsbl", "dmarc=pass"},
    {"the author's own signature", "lists", [](Facts& f) { f.dkim[0].code = dkim::Code::pass; },
     "from:ann@bank.example proof=dkim skip=dnsbl,rhsbl", "dkim=pass for the author's domain"},
    {"the author's own SPF", "lists",
     [](Facts& f) {
       nothing_proves(f);
       f.mail_from = "x@bank.example";
       f.spf_mail_from.domain = "bank.example";
       f.spf_mail_from.code = spf::Code::pass;
     },
     "from:ann@bank.example proof=spf skip=dnsbl,rhsbl", "spf=pass for the author's domain"},
    {"a sender that comes once", "dmarc",
     [](Facts& f) {
       nothing_proves(f);
       f.spf_mail_from.code = spf::Code::pass;
     },
     "mfrom:freebsd.example dmarc=accept", "spf=pass for the MAIL FROM domain freebsd.example"},
    {"a sender that tries again", "dmarc",
     [](Facts& f) {
       nothing_proves(f);
       f.mail_from = "Owner-Net@freebsd.example";
       f.spf_mail_from.code = spf::Code::pass;
     },
     "mfrom:owner-net@freebsd.example dmarc=accept", "spf=pass"},
    {"a newsletter, signed by whoever sends it", "dmarc", [](Facts& f) { f.traces.fields.clear(); },
     "from:bank.example proof=dkim:lists.freebsd.example dmarc=accept",
     "dkim=pass with d=lists.freebsd.example"},
    {"a newsletter that has a List-Id", "dmarc", [](Facts& f) { f.traces.fields = {"List-Id"}; },
     "from:bank.example proof=dkim:lists.freebsd.example dmarc=accept", "dkim=pass"},
    {"a newsletter without a signature", "spf",
     [](Facts& f) {
       nothing_proves(f);
       f.traces.fields.clear();
       f.spf_mail_from.code = spf::Code::pass;
     },
     "from:bank.example proof=spf:freebsd.example spf=accept",
     "spf=pass for the MAIL FROM domain freebsd.example"},
    {"a newsletter with two signatures: the one of its sender", "dmarc",
     [](Facts& f) {
       f.traces.fields.clear();
       f.dkim[0].code = dkim::Code::pass;
       f.dkim[0].domain = "statistics.example";
     },
     "from:bank.example proof=dkim:lists.freebsd.example dmarc=accept", "dkim=pass"},
    {"a newsletter with a signature of nobody's: the SPF of its sender", "dmarc",
     [](Facts& f) {
       f.traces.fields.clear();
       f.dkim[1].domain = "bulk.example";
       f.spf_mail_from.code = spf::Code::pass;
     },
     "from:bank.example proof=spf:freebsd.example dmarc=accept", "spf=pass"},
    {"a newsletter of two authors", "dmarc",
     [](Facts& f) {
       f.traces.fields.clear();
       f.author.mailboxes.push_back(mail::Mailbox::parse("b@bank.example").value());
     },
     "from:bank.example proof=dkim:lists.freebsd.example dmarc=accept", "dkim=pass"},
    {"in our own name, over a list", "dmarc", [](Facts& f) { f.author_is_ours = true; }, "",
     "allow add from:bank.example proof=dkim:lists.freebsd.example dmarc=accept"},
    {"in our own name, through a bulk mailer", "dmarc",
     [](Facts& f) {
       f.author_is_ours = true;
       f.traces.fields.clear();
     },
     "", "its author is of our own domain bank.example"},
    {"in our own name, from a host on a list", "lists", [](Facts& f) { f.author_is_ours = true; },
     "dkim:lists.freebsd.example skip=dnsbl,rhsbl", "dkim=pass"},
    {"SPF before the signature of a stranger", "dmarc",
     [](Facts& f) {
       f.dkim[1].domain = "bulk.example";
       f.spf_mail_from.code = spf::Code::pass;
     },
     "mfrom:freebsd.example dmarc=accept", "spf=pass"},
    {"nothing is proven", "dmarc", nothing_proves, "",
     "this message proves nothing: dmarc=fail, spf=none"},
    {"SPF passes for everybody", "lists",
     [](Facts& f) {
       nothing_proves(f);
       dmarc_passes(f);
       f.mail_from = "x@bank.example";
       f.spf_mail_from = {spf::Scope::mfrom, spf::Code::pass, "bank.example", "", "", true};
     },
     "", "of a record that allows nearly everybody"},
    {"SPF passes for everybody, and the author's signature with it", "lists",
     [](Facts& f) {
       dmarc_passes(f);
       f.dmarc.aligned_dkim = true;
       f.spf_mail_from.overbroad = true;
     },
     "from:ann@bank.example skip=dnsbl,rhsbl", "dmarc=pass"},
    {"a client's name proves nothing", "dmarc",
     [](Facts& f) {
       nothing_proves(f);
       f.iprev.code = client::IprevCode::pass;
       f.iprev.name = "mx.freebsd.example";
       f.client.name = "mx.freebsd.example";
     },
     "", "proves nothing either"},
    {"a signer that is testing", "dmarc", [](Facts& f) { f.dkim[1].testing = true; }, "",
     "no signature that passes"},
    {"SPF of the HELO name", "dmarc",
     [](Facts& f) {
       nothing_proves(f);
       f.mail_from = {};
       f.spf_mail_from.code = spf::Code::pass;
     },
     "", "proves nothing"},
    {"denied", "denylist", [](Facts&) {}, "", "remove that entry"},
    {"over a limit", "limits", [](Facts&) {}, "", "no entry may skip a limit"},
    {"a malformed author", "author", [](Facts& f) { f.author.result = mail::Author::Result::many; },
     "", "skip=author"},
    {"a readable author whom nothing proves", "author",
     [](Facts& f) { f.author.result = mail::Author::Result::readable; }, "", "skip=author"},
    {"while it is released", "release", [](Facts&) {}, "", "not judged"},
    {"by a rule that a later version has", "greylist", [](Facts&) {}, "", "rule greylist"},
    {"exempt", "exempt", [](Facts& f) { f.exemption = Exemption::authenticated; }, "",
     "not evaluated"},
};

TEST(Proposal, IsTheNarrowestThatTheMessageProves) {
  for (const auto& c : proposals) {
    Facts facts = list_mail();
    c.change(facts);
    const auto proposal = propose(facts, refused_by(c.rule));
    if (!proposal) {
      EXPECT_STREQ(c.entry, "") << c.name << ": " << proposal.error();
      EXPECT_NE(proposal.error().find(c.says), std::string::npos)
          << c.name << ": " << proposal.error();
      continue;
    }
    EXPECT_EQ(proposal->entry.text(AccessKind::allow), c.entry) << c.name;
    EXPECT_NE(proposal->reason.find(c.says), std::string::npos)
        << c.name << ": " << proposal->reason;
    // What is proposed does what it is for: the same message proves it.
    const auto list = allowlist_of(proposal->entry.text(AccessKind::allow));
    EXPECT_EQ(effect_of(match_allowlist(*list, facts)), proposal->entry.effect) << c.name;
  }
}

TEST(Proposal, OfAnAcceptedMessageIsNone) {
  EXPECT_FALSE(propose(list_mail(), Decision{}));
  Decision monitored;
  monitored.monitored = quarantine;
  monitored.rule = "dmarc";
  EXPECT_TRUE(propose(list_mail(), monitored));
}

// Another rule accepted it, and not the one that will refuse it once monitor mode ends.
TEST(Proposal, OfAMonitoredRuleIsAgainstThatRule) {
  Decision monitored;
  monitored.rule = "dmarc";
  monitored.monitored = reject;
  monitored.monitored_rule = "dnsbl:zen";
  const auto proposal = propose(list_mail(), monitored);
  ASSERT_TRUE(proposal) << proposal.error();
  EXPECT_EQ(proposal->entry.text(AccessKind::allow), "dkim:lists.freebsd.example skip=dnsbl");
  monitored.monitored_rule = "limits";
  EXPECT_FALSE(propose(list_mail(), monitored));
}

// Whom else it lets in, whatever proves it.
TEST(Proposal, AlwaysComesWithACaution) {
  for (const auto& c : proposals) {
    Facts facts = list_mail();
    c.change(facts);
    const auto proposal = propose(facts, refused_by(c.rule));
    if (!proposal) continue;
    EXPECT_NE(proposal->caution.find("it lets through"), std::string::npos) << c.name;
    const auto& entry = proposal->entry;
    const std::string& who = entry.proof_of.empty() ? entry.domain : entry.proof_of;
    if (entry.kind == IdentityKind::mfrom) continue;
    EXPECT_NE(proposal->caution.find(who), std::string::npos) << c.name << ": " << who;
  }
}

// Of a list that does not say that people write to it, either may be meant.
TEST(Proposal, OfWhatMayBeAListNamesTheOtherEntryToo) {
  Facts facts = list_mail();
  EXPECT_EQ(propose(facts, refused_by("dmarc"))->other, "");
  facts.traces.fields = {"List-Id"};
  const auto proposal = propose(facts, refused_by("dmarc"));
  EXPECT_NE(proposal->other.find("dkim:lists.freebsd.example dmarc=accept; but it lets through"),
            std::string::npos)
      << proposal->other;
  facts.traces.fields.clear();
  EXPECT_EQ(propose(facts, refused_by("dmarc"))->other, "");
}

}  // namespace

}  // namespace sekisho::policy
