// What entries a message matches, and what it takes to prove them: every kind, proven and forged.
#include "policy/access_list.h"

#include <functional>

#include <gtest/gtest.h>

#include "support/allow_facts.h"
#include "support/allow_lists.h"

namespace sekisho::policy {

namespace {

using test::allowlist_of;
using test::author_is;
using test::denylist_of;
using test::mailbox;
using test::named;
using test::sender_is;
using test::signed_by;
using test::stranger;

using Change = std::function<void(Facts&)>;

const char* const every_kind = R"(
from:legit.example        skip=dnsbl
from:.below.example       skip=dnsbl
from:dkim.example         proof=dkim skip=dnsbl
from:spf.example          proof=spf  skip=dnsbl
from:ceo@address.example  skip=dnsbl
from:xn--r8jz45g.example  skip=dnsbl
mfrom:legit.example       skip=rhsbl
mfrom:.below.example      skip=rhsbl
mfrom:ann@address.example skip=rhsbl
dkim:lists.legit.example  dmarc=accept
dkim:.below.example       dmarc=accept
ip:192.0.2.0/24           skip=all
ip:2001:db8::/32          skip=all
ptr:mx.legit.example      skip=dnsbl
ptr:.below.example        skip=dnsbl
)";

std::string text_of(const std::vector<AccessMatch>& matches) {
  std::string text;
  for (const auto& match : matches) {
    text += (text.empty() ? "" : " ") + match.entry + "(" + std::string(standing(match)) + ")";
  }
  return text;
}

struct Case {
  const char* name;
  Change change;
  const char* matches;
};

void check(const Case& c, const std::shared_ptr<const AccessList>& list) {
  Facts facts = stranger();
  c.change(facts);
  const auto matches = match_allowlist(*list, facts);
  EXPECT_EQ(text_of(matches), c.matches) << c.name;
}

const Case proven[] = {
    {"author by DMARC",
     [](Facts& f) {
       author_is(f, "Bob@legit.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     "from:legit.example(proven)"},
    {"author below a wildcard",
     [](Facts& f) {
       author_is(f, "bob@a.b.below.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     "from:.below.example(proven)"},
    {"author by its own signature",
     [](Facts& f) {
       author_is(f, "bob@dkim.example");
       signed_by(f, "dkim.example");
     },
     "from:dkim.example(proven)"},
    {"author by an aligned signature",
     [](Facts& f) {
       author_is(f, "bob@dkim.example");
       f.dmarc.aligned_dkim = true;
     },
     "from:dkim.example(proven)"},
    {"author by SPF",
     [](Facts& f) {
       author_is(f, "bob@spf.example");
       sender_is(f, "x@spf.example", "spf.example", spf::Code::pass);
     },
     "from:spf.example(proven)"},
    {"one address, in any case",
     [](Facts& f) {
       author_is(f, "CEO@address.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     "from:ceo@address.example(proven)"},
    {"author in Unicode",
     [](Facts& f) {
       author_is(f, "bob@例え.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     "from:xn--r8jz45g.example(proven)"},
    {"sender", [](Facts& f) { sender_is(f, "x@LEGIT.example", "legit.example", spf::Code::pass); },
     "mfrom:legit.example(proven)"},
    {"sender's address",
     [](Facts& f) { sender_is(f, "Ann@address.example", "address.example", spf::Code::pass); },
     "mfrom:ann@address.example(proven)"},
    {"list's signature", [](Facts& f) { signed_by(f, "lists.legit.example"); },
     "dkim:lists.legit.example(proven)"},
    {"list's signature below a wildcard", [](Facts& f) { signed_by(f, "x.below.example"); },
     "dkim:.below.example(proven)"},
    {"one good signature among bad ones",
     [](Facts& f) {
       signed_by(f, "lists.legit.example", dkim::Code::fail);
       signed_by(f, "lists.legit.example");
       signed_by(f, "lists.legit.example", dkim::Code::permerror);
     },
     "dkim:lists.legit.example(proven)"},
    {"address", [](Facts& f) { f.client.address = mail::IpAddress::parse("192.0.2.255").value(); },
     "ip:192.0.2.0/24(proven)"},
    {"address mapped into IPv6",
     [](Facts& f) { f.client.address = mail::IpAddress::parse("::ffff:192.0.2.7").value(); },
     "ip:192.0.2.0/24(proven)"},
    {"IPv6 address",
     [](Facts& f) { f.client.address = mail::IpAddress::parse("2001:db8::1").value(); },
     "ip:2001:db8::/32(proven)"},
    {"name that leads back",
     [](Facts& f) { named(f, client::IprevCode::pass, "mx.legit.example", "mx.legit.example"); },
     "ptr:mx.legit.example(proven)"},
};

TEST(AccessList, HoldsForWhatIsProven) {
  const auto list = allowlist_of(every_kind);
  for (const auto& c : proven) check(c, list);
}

// Each of them names an identity of the list, and does not prove it: nothing may hold.
const Case spoofs[] = {
    {"From forged, no DMARC", [](Facts& f) { author_is(f, "bob@legit.example"); },
     "from:legit.example(unproven)"},
    {"From forged, DMARC fails",
     [](Facts& f) {
       author_is(f, "bob@legit.example");
       f.dmarc.code = dmarc::Code::fail;
     },
     "from:legit.example(unproven)"},
    {"From forged while DNS fails",
     [](Facts& f) {
       author_is(f, "bob@legit.example");
       f.dmarc.code = dmarc::Code::temperror;
     },
     "from:legit.example(unproven)"},
    {"From forged, SPF passes for the attacker",
     [](Facts& f) {
       author_is(f, "bob@spf.example");
       sender_is(f, "x@attack.example", "attack.example", spf::Code::pass);
     },
     "from:spf.example(unproven)"},
    {"From forged, the null reverse-path and a HELO of its own",
     [](Facts& f) {
       author_is(f, "bob@spf.example");
       sender_is(f, "", "spf.example", spf::Code::pass);
     },
     "from:spf.example(unproven)"},
    {"From forged, the attacker's signature",
     [](Facts& f) {
       author_is(f, "bob@dkim.example");
       signed_by(f, "attack.example");
     },
     "from:dkim.example(unproven)"},
    {"From forged, a signature below the domain",
     [](Facts& f) {
       author_is(f, "bob@dkim.example");
       signed_by(f, "user.dkim.example");
     },
     "from:dkim.example(unproven)"},
    {"DMARC passes for another domain",
     [](Facts& f) {
       author_is(f, "bob@legit.example");
       f.dmarc.code = dmarc::Code::pass;
       f.dmarc.from = "attack.example";
     },
     "from:legit.example(unproven)"},
    {"two authors",
     [](Facts& f) {
       f.author.result = mail::Author::Result::many;
       f.author.mailboxes = {mailbox("eve@attack.example"), mailbox("bob@legit.example")};
       f.author.domains = {f.author.mailboxes[0].domain, f.author.mailboxes[1].domain};
       f.dmarc.code = dmarc::Code::pass;
       f.dmarc.from = "legit.example";
     },
     "from:legit.example(unproven)"},
    {"another author beside the address of the entry",
     [](Facts& f) {
       author_is(f, "ceo@address.example");
       f.author.mailboxes.push_back(mailbox("eve@address.example"));
       f.dmarc.code = dmarc::Code::pass;
     },
     ""},
    {"another address of the domain",
     [](Facts& f) {
       author_is(f, "ceo2@address.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     ""},
    {"the parent of a wildcard",
     [](Facts& f) {
       author_is(f, "bob@below.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     ""},
    {"a name that only ends like the wildcard",
     [](Facts& f) {
       author_is(f, "bob@notbelow.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     ""},
    {"a subdomain of an exact entry",
     [](Facts& f) {
       author_is(f, "bob@sub.legit.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     ""},
    {"the domain as a label of another",
     [](Facts& f) {
       author_is(f, "bob@legit.example.attack.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     ""},
    {"a look-alike in Cyrillic",
     [](Facts& f) {
       author_is(f, "bob@l\xd0\xb5git.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     ""},
    {"MAIL FROM forged, SPF none",
     [](Facts& f) { sender_is(f, "x@legit.example", "legit.example", spf::Code::none); },
     "mfrom:legit.example(unproven)"},
    {"MAIL FROM forged, SPF neutral",
     [](Facts& f) { sender_is(f, "x@legit.example", "legit.example", spf::Code::neutral); },
     "mfrom:legit.example(unproven)"},
    {"MAIL FROM forged, SPF softfail",
     [](Facts& f) { sender_is(f, "x@legit.example", "legit.example", spf::Code::softfail); },
     "mfrom:legit.example(unproven)"},
    {"MAIL FROM forged, SPF temperror",
     [](Facts& f) { sender_is(f, "x@legit.example", "legit.example", spf::Code::temperror); },
     "mfrom:legit.example(unproven)"},
    {"MAIL FROM forged, SPF permerror",
     [](Facts& f) { sender_is(f, "x@legit.example", "legit.example", spf::Code::permerror); },
     "mfrom:legit.example(unproven)"},
    {"MAIL FROM forged, SPF passes for everybody",
     [](Facts& f) {
       sender_is(f, "x@legit.example", "legit.example", spf::Code::pass);
       f.spf_mail_from.overbroad = true;
     },
     "mfrom:legit.example(unproven)"},
    {"From forged, SPF passes for everybody",
     [](Facts& f) {
       author_is(f, "bob@spf.example");
       sender_is(f, "x@spf.example", "spf.example", spf::Code::pass);
       f.spf_mail_from.overbroad = true;
       f.dmarc.aligned_spf = true;
     },
     "from:spf.example(unproven)"},
    {"From forged, DMARC passes by SPF that passes for everybody",
     [](Facts& f) {
       author_is(f, "bob@legit.example");
       sender_is(f, "x@bounces.legit.example", "bounces.legit.example", spf::Code::pass);
       f.spf_mail_from.overbroad = true;
       f.dmarc.code = dmarc::Code::pass;
       f.dmarc.aligned_spf = true;
     },
     "from:legit.example(unproven)"},
    {"two @ in MAIL FROM",
     [](Facts& f) {
       sender_is(f, "x@legit.example@attack.example", "attack.example", spf::Code::pass);
     },
     ""},
    {"a quote in MAIL FROM",
     [](Facts& f) {
       sender_is(f, "any@legit.example'@any.attack.example", "any.attack.example", spf::Code::pass);
     },
     ""},
    {"a comment in MAIL FROM",
     [](Facts& f) {
       sender_is(f, "any@legit.example(a.attack.example", "legit.example(a.attack.example",
                 spf::Code::pass);
     },
     ""},
    {"a source route in MAIL FROM",
     [](Facts& f) {
       sender_is(f, "@legit.example,@any.com:any@attack.example", "attack.example",
                 spf::Code::pass);
     },
     ""},
    {"SPF passes for HELO, the reverse-path is null",
     [](Facts& f) { sender_is(f, "", "legit.example", spf::Code::pass); }, ""},
    {"SPF passes for a domain that is not the sender's",
     [](Facts& f) { sender_is(f, "x@legit.example", "attack.example", spf::Code::pass); },
     "mfrom:legit.example(unproven)"},
    {"signature broken", [](Facts& f) { signed_by(f, "lists.legit.example", dkim::Code::fail); },
     "dkim:lists.legit.example(unproven)"},
    {"l= with more body", [](Facts& f) { signed_by(f, "lists.legit.example", dkim::Code::policy); },
     "dkim:lists.legit.example(unproven)"},
    {"signature expired",
     [](Facts& f) { signed_by(f, "lists.legit.example", dkim::Code::permerror); },
     "dkim:lists.legit.example(unproven)"},
    {"key cannot be fetched",
     [](Facts& f) { signed_by(f, "lists.legit.example", dkim::Code::temperror); },
     "dkim:lists.legit.example(unproven)"},
    {"signer is testing",
     [](Facts& f) { signed_by(f, "lists.legit.example", dkim::Code::pass, true); },
     "dkim:lists.legit.example(unproven)"},
    {"signature of another domain", [](Facts& f) { signed_by(f, "lists.attack.example"); }, ""},
    {"signature of the parent", [](Facts& f) { signed_by(f, "legit.example"); }, ""},
    {"signature below an exact entry", [](Facts& f) { signed_by(f, "x.lists.legit.example"); }, ""},
    {"NUL in d=",
     [](Facts& f) { signed_by(f, std::string("lists.legit.example\0.attack.example", 35)); }, ""},
    {"quote in d=", [](Facts& f) { signed_by(f, "lists.legit.example'a.attack.example"); }, ""},
    {"PTR that does not lead back",
     [](Facts& f) { named(f, client::IprevCode::fail, "", "mx.legit.example"); },
     "ptr:mx.legit.example(unproven)"},
    {"PTR while DNS fails",
     [](Facts& f) { named(f, client::IprevCode::temperror, "", "mx.legit.example"); },
     "ptr:mx.legit.example(unproven)"},
    {"another name leads back than the one the MTA gives",
     [](Facts& f) { named(f, client::IprevCode::pass, "mx.attack.example", "mx.legit.example"); },
     "ptr:mx.legit.example(unproven)"},
    {"name claimed in HELO", [](Facts& f) { f.client.helo = "mx.legit.example"; }, ""},
    {"address claimed in HELO", [](Facts& f) { f.client.helo = "[192.0.2.1]"; }, ""},
    {"an IPv6 address that only contains the IPv4 one",
     [](Facts& f) { f.client.address = mail::IpAddress::parse("2002:c000:0201::1").value(); }, ""},
    {"address beside the prefix",
     [](Facts& f) { f.client.address = mail::IpAddress::parse("192.0.3.0").value(); }, ""},
    {"no address", [](Facts& f) { f.client.address.reset(); }, ""},
};

TEST(AccessList, DoesNothingForWhatIsForged) {
  const auto list = allowlist_of(every_kind);
  for (const auto& c : spoofs) {
    check(c, list);
    Facts facts = stranger();
    c.change(facts);
    const auto matches = match_allowlist(*list, facts);
    EXPECT_TRUE(effect_of(matches).nothing()) << c.name;
    for (const auto& match : matches) EXPECT_FALSE(match.holds || match.reason.empty()) << c.name;
  }
  EXPECT_GE(std::size(spoofs), 20U);
}

// Whoever vouches for others does not vouch for us; what skips DNS lists alone goes on doing so.
TEST(AccessList, CoversOurOwnNameOnlyWhereItNamesIt) {
  const struct {
    const char* entry;
    const char* standing;  // for a message in our own name
    const char* allows;
  } cases[] = {
      {"from:example.jp proof=dkim:mailer.example dmarc=accept", "proven", "dmarc=accept"},
      {"from:.jp.example proof=dkim:mailer.example dmarc=accept", "", ""},
      {"dkim:mailer.example dmarc=accept", "own-domain", ""},
      {"dkim:mailer.example dmarc=tag", "own-domain", ""},
      {"dkim:mailer.example spf=accept", "own-domain", ""},
      {"dkim:mailer.example skip=all", "proven", "skip=dnsbl,rhsbl"},
      {"dkim:mailer.example skip=dnsbl", "proven", "skip=dnsbl"},
      {"mfrom:mailer.example dmarc=accept", "own-domain", ""},
      {"mfrom:mailer.example proof=none dmarc=accept", "unproven", ""},
      {"ip:198.51.100.66 dmarc=accept", "own-domain", ""},
      {"ip:198.51.100.66 skip=author dmarc=accept", "proven", "skip=author"},
      {"ptr:mx.mailer.example dmarc=accept", "own-domain", ""},
  };
  for (const auto& c : cases) {
    Facts facts = stranger();
    author_is(facts, "ceo@example.jp");
    sender_is(facts, "b@mailer.example", "mailer.example", spf::Code::pass);
    signed_by(facts, "mailer.example");
    named(facts, client::IprevCode::pass, "mx.mailer.example");
    facts.author_is_ours = true;
    const auto matches = match_allowlist(*allowlist_of(c.entry), facts);
    EXPECT_EQ(matches.empty() ? "" : standing(matches[0]), c.standing) << c.entry;
    EXPECT_EQ(to_text(effect_of(matches)), c.allows) << c.entry;
    if (!matches.empty() && !matches[0].holds) {
      EXPECT_NE(matches[0].reason.find("example.jp is our own"), std::string::npos) << c.entry;
    }
  }
}

// Where the MTA replaces an alias by its target, a name that leads to ours is ours, and not what
// was allowed.
TEST(AccessList, AnAliasOfOursIsNoNameOfTheirs) {
  Facts facts = stranger();
  author_is(facts, "ceo@x.parcel.example");
  facts.dmarc.alias = "x.parcel.example";
  facts.dmarc.from = "example.jp";
  facts.author_is_ours = true;
  signed_by(facts, "mailer.example");
  const auto list = allowlist_of("from:.parcel.example proof=dkim:mailer.example dmarc=accept");
  EXPECT_FALSE(effect_of(match_allowlist(*list, facts)).dmarc);
  facts.author_is_ours = false;
  EXPECT_TRUE(effect_of(match_allowlist(*list, facts)).dmarc);
}

TEST(AccessList, NoProofIsRecordedAsSuch) {
  const auto list = allowlist_of("from:legacy.example proof=none dmarc=tag");
  Facts facts = stranger();
  author_is(facts, "bob@legacy.example");
  facts.dmarc.code = dmarc::Code::fail;
  const auto matches = match_allowlist(*list, facts);
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_TRUE(matches[0].holds);
  EXPECT_FALSE(matches[0].proven);
  EXPECT_EQ(standing(matches[0]), "proof=none");
  EXPECT_EQ(matches[0].place, "allow:1");
  // A malformed author is nobody, with or without proof.
  facts.author.result = mail::Author::Result::many;
  EXPECT_EQ(match_allowlist(*list, facts)[0].holds, false);
}

// The specific entry speaks, in whatever order they stand.
TEST(AccessList, SpecificOverGeneral) {
  const std::vector<std::string> lines = {
      "dkim:.example.org dmarc=accept skip=all",
      "dkim:.lists.example.org dmarc=tag",
      "dkim:x.lists.example.org dmarc=quarantine",
  };
  Facts facts = stranger();
  signed_by(facts, "x.lists.example.org");
  std::vector<std::size_t> order = {0, 1, 2};
  do {
    std::string text;
    for (const auto i : order) text += lines[i] + "\n";
    const auto list = allowlist_of(text);
    EXPECT_EQ(text_of(match_allowlist(*list, facts)), "dkim:x.lists.example.org(proven)");
    EXPECT_EQ(to_text(effect_of(match_allowlist(*list, facts))), "dmarc=quarantine");
  } while (std::next_permutation(order.begin(), order.end()));
  const auto prefixes = allowlist_of(
      "ip:198.51.0.0/16 skip=all\nip:198.51.100.66 skip=dnsbl\nip:198.51.100.0/24 skip=rhsbl");
  EXPECT_EQ(to_text(effect_of(match_allowlist(*prefixes, stranger()))), "skip=dnsbl");
}

TEST(AccessList, AnExpiredEntryIsNotThere) {
  const auto list = allowlist_of(
      "dkim:.example.org dmarc=accept\n"
      "dkim:x.example.org dmarc=tag until=2026-11-20\n"
      "ip:198.51.100.66 skip=all until=2026-11-20\n"
      "from:soon.example skip=dnsbl until=2026-11-21\n");
  Facts facts = stranger();
  signed_by(facts, "x.example.org");
  EXPECT_EQ(text_of(match_allowlist(*list, facts)), "dkim:.example.org(proven)");
  const auto expired = list->expired_between(WallTime::min(), facts.received);
  ASSERT_EQ(expired.size(), 2U);
  EXPECT_EQ(expired[0]->identity(), "dkim:x.example.org");
  EXPECT_TRUE(list->expired_between(facts.received, facts.received).empty());
}

TEST(AccessList, SameIdentityTwiceIsAFindingAndBothHold) {
  const auto list = allowlist_of("dkim:a.example dmarc=accept\ndkim:a.example skip=dnsbl\n");
  ASSERT_EQ(list->findings().size(), 1U);
  EXPECT_EQ(list->findings()[0].text(),
            "allow:2: dkim:a.example is given twice; the first is at allow:1: both hold, remove "
            "one of them");
  Facts facts = stranger();
  signed_by(facts, "a.example");
  EXPECT_EQ(to_text(effect_of(match_allowlist(*list, facts))), "skip=dnsbl dmarc=accept");
  EXPECT_TRUE(allowlist_of("from:a.example skip=dnsbl\nfrom:a.example proof=spf skip=dnsbl\n")
                  ->findings()
                  .empty());
}

// --- the denylist --------------------------------------------------------------------------------

const Case denied[] = {
    {"author, forged", [](Facts& f) { author_is(f, "x@bad.example"); },
     "from:bad.example(unproven)"},
    {"author, proven",
     [](Facts& f) {
       author_is(f, "x@bad.example");
       f.dmarc.code = dmarc::Code::pass;
     },
     "from:bad.example(proven)"},
    {"one of two authors",
     [](Facts& f) {
       f.author.result = mail::Author::Result::many;
       f.author.mailboxes = {mailbox("a@ok.example"), mailbox("x@bad.example")};
       f.author.domains = {f.author.mailboxes[0].domain, f.author.mailboxes[1].domain};
     },
     "from:bad.example(unproven)"},
    {"sender, SPF fails",
     [](Facts& f) { sender_is(f, "x@bad.example", "bad.example", spf::Code::fail); },
     "mfrom:bad.example(unproven)"},
    {"sender with an odd local part",
     [](Facts& f) { sender_is(f, "a b@bad.example", "bad.example", spf::Code::none); },
     "mfrom:bad.example(unproven)"},
    {"broken signature", [](Facts& f) { signed_by(f, "bad.example", dkim::Code::fail); },
     "dkim:bad.example(unproven)"},
    {"name that does not lead back",
     [](Facts& f) { named(f, client::IprevCode::fail, "", "mx.bad.example"); },
     "ptr:.bad.example(unproven)"},
    {"HELO", [](Facts& f) { f.client.helo = "YLMF-PC"; }, "helo:ylmf-pc(unproven)"},
    {"address", [](Facts& f) { f.client.address = mail::IpAddress::parse("203.0.113.9").value(); },
     "ip:203.0.113.0/24(proven)"},
    {"somebody else", [](Facts&) {}, ""},
};

TEST(Denylist, NeedsNoProof) {
  const auto list = denylist_of(R"(
from:bad.example
mfrom:bad.example
dkim:bad.example
ptr:.bad.example
helo:ylmf-pc
ip:203.0.113.0/24
)");
  for (const auto& c : denied) {
    Facts facts = stranger();
    c.change(facts);
    const auto matches = match_denylist(*list, facts);
    EXPECT_EQ(text_of(matches), c.matches) << c.name;
    for (const auto& match : matches) EXPECT_TRUE(match.holds) << c.name;
  }
}

}  // namespace

}  // namespace sekisho::policy
